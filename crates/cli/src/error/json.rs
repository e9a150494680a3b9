//! Errors for a program: `{"error": {…}}` on one line.

use std::error::Error;

use model::failure::Progress;
use serde_json::{Map, Value, json as object};

use super::CliError;
use super::detail::{Detail, Details};

/// The error as one JSON object.
pub(crate) fn json(error: &CliError) -> String {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    put("kind", error.kind().into());
    put("message", error.to_string().into());
    let causes = causes(error);
    if !causes.is_empty() {
        put("causes", causes.into());
    }
    if let Some(help) = error.help() {
        put("help", help.into());
    }
    if let Some(details) = error.details() {
        put("file", details.file.clone().into());
        put("problems", details.list.iter().map(|detail| problem(details, detail)).collect());
    }
    if let CliError::Trapped { backtrace: Some(backtrace), .. } | CliError::Late { backtrace: Some(backtrace), .. } =
        error
    {
        put("backtrace", backtrace.as_str().into());
    }
    if let CliError::Call { failure, .. } = error {
        let (case, message) = failure.error.parts();
        put("rpc_error", object!({ "case": case, "message": message }));
        put(
            "started",
            match failure.progress {
                Progress::NotStarted => false.into(),
                Progress::Unknown => "unknown".into(),
            },
        );
    }
    object!({ "error": fields }).to_string()
}

fn causes(error: &CliError) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}

fn problem(details: &Details, detail: &Detail) -> Value {
    let mut fields = Map::new();
    let texts = [
        ("message", Some(&detail.message)),
        ("help", detail.help.as_ref()),
        ("key", Some(&detail.key).filter(|key| !key.is_empty())),
        ("actor", detail.actor.as_ref()),
        ("import", detail.import.as_ref()),
        ("function", detail.function.as_ref()),
    ];
    fields.extend(texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.clone().into()))));
    if let Some(span) = &detail.span {
        let (line, column) = details.line_and_column(span.start);
        fields.insert("line".to_owned(), line.into());
        fields.insert("column".to_owned(), column.into());
    }
    fields.into()
}
