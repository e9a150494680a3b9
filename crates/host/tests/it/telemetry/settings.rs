//! Settings out of the host's file and the environment.

use std::error::Error as _;

use host::limits::COLLECTOR_HEADERS_MAX;
use host::telemetry::{Sampler, Settings};
use model::host_file::ObserveTable;

fn read(file: &ObserveTable, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Settings::read(file, &variable).map_err(|error| match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}

/// Where traces and logs go.
fn goes(file: &ObserveTable, variables: &[(&str, &str)]) -> (String, String) {
    let export = read(file, variables).unwrap().export;
    let text = |address: Option<http::Uri>| address.map(|address| address.to_string()).unwrap_or_default();
    (text(export.traces), text(export.logs))
}

#[test]
fn nothing_is_observed_unless_it_is_said() {
    let settings = read(&ObserveTable::default(), &[]).unwrap();
    assert!(!settings.metrics && settings.export.traces.is_none() && settings.export.logs.is_none());
    let listens = ObserveTable { listen: Some(([127, 0, 0, 1], 9464).into()), ..ObserveTable::default() };
    assert!(read(&listens, &[]).unwrap().metrics);
}

#[test]
fn the_standard_variables_go_before_the_file() {
    const COMMON: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let none = ObserveTable::default();
    let file = ObserveTable { endpoint: Some("http://file:4318/".to_owned()), ..none.clone() };
    let both = |origin: &str| (format!("{origin}/v1/traces"), format!("{origin}/v1/logs"));
    assert_eq!(goes(&file, &[]), both("http://file:4318"));
    assert_eq!(goes(&file, &[(COMMON, "https://env:1")]), both("https://env:1"));
    assert_eq!(goes(&none, &[(COMMON, "http://env/below")]), both("http://env/below"));
    // One signal's own address is taken as it is.
    let traces = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces/x")];
    assert_eq!(goes(&none, &traces), ("http://traces/x".to_owned(), String::new()));
    assert_eq!(goes(&file, &traces).1, both("http://file:4318").1);
    assert_eq!(goes(&file, &[("OTEL_LOGS_EXPORTER", "none")]), (both("http://file:4318").0, String::new()));
    assert_eq!(goes(&file, &[("OTEL_SDK_DISABLED", "true")]), (String::new(), String::new()));
    let named = [("OTEL_SERVICE_NAME", "shop"), ("OTEL_RESOURCE_ATTRIBUTES", "a=b%20c,service.name=other")];
    let resource = read(&file, &named).unwrap().export.resource;
    let resource: Vec<(&str, &str)> = resource.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(resource, [("a", "b c"), ("service.name", "shop")]);
    let headers = read(&file, &[("OTEL_EXPORTER_OTLP_HEADERS", " authorization=Bearer%20x , b=c")]).unwrap();
    assert_eq!(headers.export.headers[0], ("authorization".to_owned(), "Bearer x".to_owned()));
}

#[test]
fn what_cannot_be_done_is_refused() {
    let many = vec!["a=b"; COLLECTOR_HEADERS_MAX + 1].join(",");
    let told: Vec<String> = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:password@collector"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "no pair"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=line%0abreak"),
        ("OTEL_EXPORTER_OTLP_HEADERS", &many),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=%zz"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
    ]
    .into_iter()
    .map(|variable| {
        let file = ObserveTable { endpoint: Some("http://file:4318".to_owned()), ..ObserveTable::default() };
        read(&file, &[variable]).unwrap_err()
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"));
    let share = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")];
    assert!(read(&ObserveTable::default(), &share).unwrap_err().contains("`2` is no share of traces"));
}

#[test]
fn samplers_decide_as_they_are_named() {
    let (low, high) = (1_u128, u128::from(u64::MAX));
    for (name, argument, caller, expected) in [
        ("always_on", None, Some(false), [true, true]),
        ("always_off", None, Some(true), [false, false]),
        ("traceidratio", Some("0.5"), Some(true), [true, false]),
        ("traceidratio", None, None, [true, true]),
        ("parentbased_always_on", None, Some(false), [false, false]),
        ("parentbased_always_on", None, None, [true, true]),
        ("parentbased_always_off", None, Some(true), [true, true]),
        ("parentbased_always_off", None, None, [false, false]),
        ("parentbased_traceidratio", Some("0.5"), None, [true, false]),
        ("parentbased_traceidratio", Some("0.5"), Some(true), [true, true]),
    ] {
        let sampler = Sampler::parse(name, argument).unwrap();
        let decided = [low, high].map(|trace| sampler.decide(trace, caller));
        assert_eq!(decided, expected, "{name} {argument:?} {caller:?}");
    }
}
