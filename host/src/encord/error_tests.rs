use serde_json::json;

use super::*;
use crate::encord::operation;

fn fail<T>(make: impl FnOnce(Context<'_>) -> T) -> T {
    make(Context {
        operation: &operation::SAVE_LABEL_ROWS,
        domain: &Domain::default(),
        trace_id: Some("4e0cbf8fd41f41f196ce875ddf760741"),
    })
}

#[test]
fn http_statuses() {
    use ErrorKind::*;
    for (status, kind, about_entry, transient) in [
        (400, InvalidArguments, true, false),
        (401, Authentication, false, false),
        (403, Authorisation, true, false),
        (404, NotFound, true, false),
        (405, Other, false, false),
        (408, Server, false, true),
        (409, Other, true, false),
        (413, PayloadTooLarge, true, false),
        (422, InvalidArguments, true, false),
        (429, RateLimited, false, true),
        (500, Server, false, true),
        (503, Server, false, true),
        (201, Protocol, false, false),
        (302, Protocol, false, false),
    ] {
        let error = fail(|context| Error::http(context, status, b"", None));
        assert_eq!(error.kind(), kind, "{status}");
        assert_eq!(error.about_entry(), about_entry, "{status}");
        assert_eq!(error.is_transient(), transient, "{status}");
        assert_eq!(error.status(), Some(status));
    }
}

#[test]
fn envelope_codes() {
    use ErrorKind::*;
    for (code, kind, about_entry) in [
        ("AUTHENTICATION_ERROR", Authentication, false),
        ("SSH_KEY_NOT_FOUND_ERROR", Authentication, false),
        ("AUTHORISATION_ERROR", Authorisation, true),
        ("OPERATION_NOT_ALLOWED", Authorisation, true),
        ("RATE_LIMIT_ERROR", RateLimited, false),
        ("RESOURCE_NOT_FOUND_ERROR", NotFound, true),
        ("CORRUPTED_LABEL_ERROR", InvalidArguments, true),
        ("ANSWER_DICTIONARY_ERROR", InvalidArguments, true),
        ("WRONG_PROJECT_TYPE_ERROR", InvalidArguments, false),
        ("MULTI_LABEL_LIMIT_ERROR", PayloadTooLarge, true),
        ("UNKNOWN_ERROR", Server, true),
        ("SOMETHING_NEW", Other, true),
    ] {
        let error = fail(|context| Error::envelope(context, 200, code, &Value::Null));
        assert_eq!(error.kind(), kind, "{code}");
        assert_eq!(error.about_entry(), about_entry, "{code}");
        assert_eq!(error.code(), Some(code));
    }
}

#[test]
fn says_what_encord_said() {
    for (body, said) in [
        (
            r#"{"message": "No access to the item."}"#,
            Some("No access to the item."),
        ),
        (r#"{"detail": "Not allowed"}"#, Some("Not allowed")),
        (
            r#"{"message": null, "detail": "Not allowed"}"#,
            Some("Not allowed"),
        ),
        (
            r#"{"detail": [{"loc": ["path", "project_hash"], "msg": "not a UUID", "type": "uuid"}, {"loc": ["body", 0], "msg": "missing"}]}"#,
            Some("path.project_hash: not a UUID; body.0: missing"),
        ),
        (r#"{"detail": [{"other": 1}]}"#, Some(r#"{"other":1}"#)),
        ("<html><h1>502 Bad Gateway</h1></html>", None),
        (r#""text""#, None),
        ("", None),
    ] {
        let error = fail(|context| Error::http(context, 403, body.as_bytes(), None));
        assert_eq!(error.message(), said, "{body}");
    }
}

#[test]
fn sentences() {
    let shown = |error: Error| error.to_string();
    assert_eq!(
        shown(fail(|context| Error::http(
            context,
            403,
            br#"{"message": "No access."}"#,
            None
        ))),
        "cannot save the label rows: Encord answered 403 Forbidden: No access."
    );
    assert_eq!(
        shown(fail(|context| Error::envelope(
            context,
            200,
            "MULTI_LABEL_LIMIT_ERROR",
            &json!({"maximum_labels_allowed": 100})
        ))),
        "cannot save the label rows: Encord answered MULTI_LABEL_LIMIT_ERROR: at most 100 label rows per request"
    );
    assert_eq!(
        shown(fail(|context| Error::transport(
            context,
            "Connection refused".to_owned(),
            false
        ))),
        "cannot save the label rows: no answer from https://api.encord.com: Connection refused"
    );
    assert_eq!(
        shown(fail(|context| Error::absent(
            context,
            "it is not there".to_owned()
        ))),
        "cannot save the label rows: it is not there"
    );
    let set_up = Error::set_up(
        Context {
            operation: &operation::SET_UP,
            domain: &Domain::default(),
            trace_id: None,
        },
        "no certificates".to_owned(),
    );
    assert_eq!(
        set_up.to_string(),
        "cannot set up the connection: no certificates"
    );
    assert!(
        set_up
            .help()
            .is_some_and(|help| help.contains("ca-certificates"))
    );
    let gone = fail(|context| Error::http(context, 400, b"{}", None)).into_task_gone();
    assert_eq!(gone.kind(), ErrorKind::TaskGone);
    assert_eq!(
        shown(gone),
        "cannot save the label rows: the task has already left the stage"
    );
    let refused = fail(|context| Error::http(context, 403, b"{}", None)).into_task_gone();
    assert_eq!(refused.kind(), ErrorKind::Authorisation);
}

#[test]
fn stays_short_whatever_the_server_writes() {
    let body = json!({ "message": "wrong\n".repeat(1000) }).to_string();
    let error = fail(|context| Error::http(context, 400, body.as_bytes(), None));
    let text = error.to_string();
    assert!(text.len() < 500, "{} bytes", text.len());
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn help_names_the_next_step() {
    let help = |status| fail(|context| Error::http(context, status, b"", None)).help();
    let authentication = help(401).expect("help");
    assert!(authentication.contains("https://api.us.encord.com"));
    assert!(authentication.contains("ENCORD_DOMAIN"));
    assert!(help(403).expect("help").contains("access to the project"));
    assert!(
        help(500)
            .expect("help")
            .contains("4e0cbf8fd41f41f196ce875ddf760741")
    );
    let unreachable = fail(|context| Error::transport(context, "refused".to_owned(), false));
    assert!(unreachable.help().expect("help").contains("ENCORD_DOMAIN"));
}
