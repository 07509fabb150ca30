//! Who asks: the signatures of both APIs.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use super::reply::ApiError;
use super::{MAX_BODY, Service, Shared};
use crate::local::clock;
use crate::local::error::LocalError;

/// The keys that may sign requests.
#[derive(Debug)]
pub(super) struct Keys {
    known: HashSet<[u8; 32]>,
    any: bool,
}

/// The one profile of HTTP message signatures that Encord uses.
const COMPONENTS: &str = r#"("@method" "@request-target" "content-digest")"#;
/// How old, or how far ahead, a `/v2/` signature may be, in milliseconds.
const FRESH: i64 = 15 * 60 * 1000;

impl Keys {
    pub(super) fn new(hex: &[String], any: bool) -> Result<Self, LocalError> {
        let mut known = HashSet::new();
        for written in hex {
            let key =
                bytes_of_hex::<32>(written).filter(|key| VerifyingKey::from_bytes(key).is_ok());
            known.insert(key.ok_or_else(|| LocalError::PublicKey {
                found: written.clone(),
            })?);
        }
        Ok(Self { known, any })
    }

    /// `Authorization: <key>:<signature of the body's digest>`, both in hexadecimal digits.
    pub(super) fn check_v1(
        &self,
        authorization: Option<&str>,
        body: &[u8],
    ) -> Result<(), ApiError> {
        let expected = "expected the header Authorization: <public key>:<signature>";
        let parts = authorization.and_then(|value| value.split_once(':'));
        let (key, signature) = parts.ok_or_else(|| ApiError::unauthenticated(expected))?;
        let signature = bytes_of_hex::<64>(signature.trim())
            .ok_or_else(|| ApiError::unauthenticated(expected))?;
        self.check(key.trim(), &signature, &Sha256::digest(body))
    }

    /// HTTP message signatures. `now` is in milliseconds since 1970.
    pub(super) fn check_v2(&self, request: &SignedRequest<'_>, now: i64) -> Result<(), ApiError> {
        let digest = format!(
            "sha-256=:{}:",
            STANDARD.encode(Sha256::digest(request.body))
        );
        if request.content_digest != digest {
            return Err(ApiError::unauthenticated(
                "the header Content-Digest is not that of the body",
            ));
        }
        let parameters = request
            .signature_input
            .strip_prefix("encord-sig=")
            .ok_or_else(|| {
                ApiError::unauthenticated("expected the header Signature-Input: encord-sig=…")
            })?;
        let rest = parameters.strip_prefix(COMPONENTS).ok_or_else(|| {
            ApiError::unauthenticated(format!("expected a signature of {COMPONENTS}"))
        })?;
        let parameter = |name: &str| {
            let value = rest
                .split(';')
                .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?;
            Some(value.trim_matches('"'))
        };
        if parameter("alg").is_some_and(|algorithm| algorithm != "ed25519") {
            return Err(ApiError::unauthenticated(
                "expected a signature of the algorithm ed25519",
            ));
        }
        let created = parameter("created").and_then(|created| created.parse::<i64>().ok());
        if !created.is_some_and(|created| {
            created.saturating_mul(1000).abs_diff(now) <= FRESH.unsigned_abs()
        }) {
            return Err(ApiError::unauthenticated(
                "the signature is too old; is the client's clock right?",
            ));
        }
        let key = parameter("keyid")
            .ok_or_else(|| ApiError::unauthenticated("the signature names no key"))?;
        let signature = request
            .signature
            .strip_prefix("encord-sig=:")
            .and_then(|signature| STANDARD.decode(signature.strip_suffix(':')?).ok())
            .and_then(|signature| <[u8; 64]>::try_from(signature).ok())
            .ok_or_else(|| {
                ApiError::unauthenticated("expected the header Signature: encord-sig=:<base64>:")
            })?;
        let base = format!(
            "\"@method\": {}\n\"@request-target\": {}\n\"content-digest\": {digest}\n\"@signature-params\": {parameters}",
            request.method, request.target
        );
        self.check(key, &signature, base.as_bytes())
    }

    fn check(&self, key: &str, signature: &[u8; 64], message: &[u8]) -> Result<(), ApiError> {
        let refused =
            || ApiError::unauthenticated("the signature does not fit the key and the request");
        let bytes = bytes_of_hex::<32>(key).ok_or_else(refused)?;
        if !self.any && !self.known.contains(&bytes) {
            return Err(ApiError::unauthenticated(format!(
                "the key {key} is not known to this local server"
            )));
        }
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| refused())?;
        key.verify_strict(message, &Signature::from_bytes(signature))
            .map_err(|_| refused())
    }
}

/// What a `/v2/` signature is about.
#[derive(Debug)]
pub(super) struct SignedRequest<'request> {
    pub(super) method: &'request str,
    /// Path and query exactly as on the request line.
    pub(super) target: &'request str,
    pub(super) content_digest: &'request str,
    pub(super) signature_input: &'request str,
    pub(super) signature: &'request str,
    pub(super) body: &'request [u8],
}

/// Lets only signed requests through.
pub(super) async fn require_v2(State(service): Shared, request: Request, next: Next) -> Response {
    match checked(&service, request).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

async fn checked(service: &Arc<Service>, request: Request) -> Result<Request, ApiError> {
    let (parts, body) = request.into_parts();
    let body = collect(body).await?;
    let text = |name: &str| header_text(&parts.headers, name).unwrap_or_default();
    let signed = SignedRequest {
        method: parts.method.as_str(),
        target: parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str()),
        content_digest: text("content-digest"),
        signature_input: text("signature-input"),
        signature: text("signature"),
        body: &body,
    };
    service.keys.check_v2(&signed, clock::now())?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

pub(super) async fn collect(body: Body) -> Result<Bytes, ApiError> {
    to_bytes(body, MAX_BODY).await.map_err(|error| {
        // axum says "length limit exceeded" or what the connection said, behind one type.
        match std::error::Error::source(&error).map(ToString::to_string) {
            Some(reason) if reason.contains("limit") => {
                ApiError::too_large(format!("expected a body of at most {MAX_BODY} bytes"))
            }
            _ => ApiError::invalid(format!("the body cannot be read: {error}")),
        }
    })
}

pub(super) fn header_text<'headers>(
    headers: &'headers HeaderMap,
    name: &str,
) -> Option<&'headers str> {
    headers.get(name)?.to_str().ok()
}

pub(super) fn authorization(headers: &HeaderMap) -> Option<&str> {
    header_text(headers, header::AUTHORIZATION.as_str())
}

fn bytes_of_hex<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * LENGTH {
        return None;
    }
    let mut bytes = [0; LENGTH];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0ce64c50c27fa30ddee9427f18cbe9b55ac22f649550c5995da76ca8a3eda7e4";
    const CREATED: i64 = 1_750_000_000_000;

    fn keys() -> Keys {
        Keys::new(&[KEY.to_owned()], false).expect("the key is one")
    }

    fn actions() -> SignedRequest<'static> {
        SignedRequest {
            method: "POST",
            target: "/v2/public/projects/11111111-1111-4111-8111-111111111111/workflow/stages/6011c844-fb26-438b-b465-0b0825951015/actions",
            content_digest: "sha-256=:qRoFa43n2sZoQjKkdMhDQPRuZS9jTr4EvlNzIY7PXXw=:",
            signature_input: r#"encord-sig=("@method" "@request-target" "content-digest");created=1750000000;keyid="0ce64c50c27fa30ddee9427f18cbe9b55ac22f649550c5995da76ca8a3eda7e4";alg="ed25519""#,
            signature: "encord-sig=:09J49ZQi+4vvGz9wvs4He6xNU3O7mZQNkgACMoNX6OaeSEsg3nq3a24nmeD2ck+xohyZigvYQ7wbEY+MrFfPBg==:",
            body: br#"[{"taskUuid": "a3d980d9-6eab-531c-a9ca-bc2bcff250c7", "action": "PATHWAY_ACTION", "pathwayUuid": "49a786f3-5edf-4b94-aff0-3da9042d3bf0"}]"#,
        }
    }

    #[test]
    fn accepts_a_signature_that_the_official_client_made() {
        assert!(keys().check_v2(&actions(), CREATED).is_ok());
    }

    #[test]
    fn refuses_what_was_not_signed() {
        let refused = |request: SignedRequest<'_>, now| keys().check_v2(&request, now).is_err();
        assert!(refused(
            SignedRequest {
                method: "GET",
                ..actions()
            },
            CREATED
        ));
        assert!(refused(
            SignedRequest {
                target: "/v2/public/other",
                ..actions()
            },
            CREATED
        ));
        assert!(refused(
            SignedRequest {
                body: b"[]",
                ..actions()
            },
            CREATED
        ));
        assert!(refused(
            SignedRequest {
                signature: "",
                ..actions()
            },
            CREATED
        ));
        assert!(refused(actions(), CREATED + FRESH + 1));
    }

    #[test]
    fn refuses_unknown_keys_unless_any_will_do() {
        let stranger = Keys::new(&[], false).expect("no keys are fine");
        assert!(stranger.check_v2(&actions(), CREATED).is_err());
        let open = Keys::new(&[], true).expect("no keys are fine");
        assert!(open.check_v2(&actions(), CREATED).is_ok());
        assert!(
            open.check_v2(
                &SignedRequest {
                    body: b"",
                    ..actions()
                },
                CREATED
            )
            .is_err()
        );
    }

    #[test]
    fn checks_the_body_of_the_older_api() {
        let body = br#"{"query_type": "labelrowmetadata", "query_method": "GET", "values": {"uid": null, "payload": {"data_hashes": ["ce99df93-e802-5296-aeca-09c4dac8aeb6"], "note": "caf\u00e9"}}}"#;
        let authorization = format!(
            "{KEY}:b82f9aa06af07c579e796b57d7b7320e4f1f071550d15d982af6b6d18f34ac6e803098a4a6d6aaafbb5b40aa9712870cfece67434c43b63f4c6dcf4bd1a74104"
        );
        assert!(keys().check_v1(Some(&authorization), body).is_ok());
        assert!(keys().check_v1(Some(&authorization), b"{}").is_err());
        assert!(keys().check_v1(None, body).is_err());
        assert!(keys().check_v1(Some("Bearer abc"), body).is_err());
    }

    #[test]
    fn a_public_key_is_64_digits() {
        assert!(matches!(
            Keys::new(&["abc".to_owned()], false),
            Err(LocalError::PublicKey { .. })
        ));
    }
}
