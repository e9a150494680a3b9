//! docs/OBSERVABILITY.md and what there is.

use host::telemetry::{Kind, METRICS};
use testkit::application::root;

#[test]
fn the_document_lists_every_metric() {
    let text = std::fs::read_to_string(root().join("docs/OBSERVABILITY.md")).unwrap();
    let (_, rest) = text.split_once("<!-- metrics -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- /metrics -->").unwrap();
    let mut expected = String::from("| metric | in Prometheus | kind | unit | labels | meaning |\n");
    expected += "| --- | --- | --- | --- | --- | --- |\n";
    for metric in METRICS {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "—".to_owned() } else { labels.join(", ") };
        expected += &format!(
            "| `{}` | `{}` | {kind} | `{}` | {labels} | {} |\n",
            metric.name,
            metric.prometheus(),
            metric.unit,
            metric.meaning
        );
    }
    assert_eq!(table, expected, "correct the table between the marks in docs/OBSERVABILITY.md to this:\n{expected}");
}
