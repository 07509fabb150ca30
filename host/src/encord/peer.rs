//! For tests of what a well-behaved server cannot be brought to do: an HTTP server on a free port that gives
//! prepared answers and keeps what it was sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::client::Client;
use super::key::Key;

/// An answer: status, headers, body.
pub(super) type Answer = (u16, Vec<(&'static str, &'static str)>, String);

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The other end of the connection.
    pub(super) from: SocketAddr,
}

/// The server. It stops when the test's runtime does.
pub(super) struct Peer {
    pub(super) client: Client,
    pub(super) key: Key,
    shared: Arc<Shared>,
}

struct Shared {
    answer: Box<dyn Fn(&Received) -> Answer + Send + Sync>,
    received: Mutex<Vec<Received>>,
}

/// A success with this body.
pub(super) fn ok(body: &str) -> Answer {
    (200, Vec::new(), body.to_owned())
}

/// A failure with this message.
pub(super) fn refusal(status: u16, message: &str) -> Answer {
    let body = serde_json::json!({ "message": message }).to_string();
    (status, Vec::new(), body)
}

/// A failure that may be repeated at once.
pub(super) fn again(status: u16) -> Answer {
    (status, vec![("Retry-After", "0")], String::new())
}

impl Peer {
    /// Starts a server that gives these answers, one after another, and a client of it.
    pub(super) async fn start(answers: impl IntoIterator<Item = Answer>) -> Peer {
        let answers: VecDeque<Answer> = answers.into_iter().collect();
        let answers = Mutex::new(answers);
        Self::answering(move |_| {
            answers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front()
                .unwrap_or_else(|| refusal(418, "the test prepared no further answer"))
        })
        .await
    }

    /// Starts a server that answers each request so, and a client of it.
    pub(super) async fn answering(
        answer: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) -> Peer {
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            received: Mutex::new(Vec::new()),
        });
        let app = Router::new()
            .fallback(handle)
            .with_state(Arc::clone(&shared))
            .into_make_service_with_connect_info::<SocketAddr>();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        let key = Key::generate();
        let domain = format!("http://{address}").parse().expect("a domain");
        let client = Client::new(domain, key.clone()).expect("a client");
        Peer {
            client,
            key,
            shared,
        }
    }

    /// What arrived so far.
    pub(super) fn received(&self) -> Vec<Received> {
        self.shared
            .received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, String) {
    let request = Received {
        method,
        target: uri.to_string(),
        headers,
        body,
        from,
    };
    let (status, headers, body) = (shared.answer)(&request);
    shared
        .received
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request);
    let headers = headers
        .into_iter()
        .map(|(name, value)| {
            (
                name.parse().expect("header name"),
                value.parse().expect("header value"),
            )
        })
        .collect();
    let status = StatusCode::from_u16(status).expect("status");
    (status, headers, body)
}

impl Received {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    /// The values of a parameter of the query string.
    pub(super) fn parameters(&self, name: &str) -> Vec<String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        url::form_urlencoded::parse(query.as_bytes())
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Checks the signature of either version as Encord would.
    pub(super) fn assert_signed_by(&self, key: &Key) {
        let digest = Sha256::digest(&self.body);
        let (message, signature) = match self.header("authorization").split_once(':') {
            Some((public, signature)) => {
                assert_eq!(public, key.public_hex());
                (digest.to_vec(), unhex(signature))
            }
            None => {
                let digest = format!("sha-256=:{}:", BASE64.encode(digest));
                assert_eq!(self.header("content-digest"), digest);
                let parameters = self
                    .header("signature-input")
                    .strip_prefix("encord-sig=")
                    .expect("label");
                let keyid = format!(";keyid=\"{}\";", key.public_hex());
                assert!(parameters.contains(&keyid), "{parameters}");
                let base = format!(
                    "\"@method\": {}\n\"@request-target\": {}\n\"content-digest\": {digest}\n\"@signature-params\": {parameters}",
                    self.method, self.target
                );
                let signature = self
                    .header("signature")
                    .strip_prefix("encord-sig=:")
                    .and_then(|text| text.strip_suffix(':'))
                    .expect("label");
                (base.into_bytes(), BASE64.decode(signature).expect("base64"))
            }
        };
        let public: [u8; 32] = unhex(key.public_hex()).try_into().expect("32 bytes");
        VerifyingKey::from_bytes(&public)
            .expect("a public key")
            .verify_strict(
                &message,
                &Signature::from_slice(&signature).expect("64 bytes"),
            )
            .expect("a signature of exactly this request");
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|byte| u8::from_str_radix(&text[2 * byte..2 * byte + 2], 16).expect("hexadecimal"))
        .collect()
}
