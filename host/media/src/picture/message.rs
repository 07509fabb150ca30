//! Pictures in messages to models.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Format;

/// How a message has a picture in it, as `Frame.b64_encoding` of `encord-agents` has them, and Google's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageShape {
    /// The bytes alone, in base64.
    Raw,
    /// `data:image/jpeg;base64,…`, as in `<img src="…">`.
    Url,
    /// JSON: `{"type": "image_url", "image_url": {"url": "data:…"}}`.
    OpenAi,
    /// JSON: `{"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "…"}}`.
    Anthropic,
    /// JSON: `{"inline_data": {"mime_type": "image/jpeg", "data": "…"}}`.
    Gemini,
}

/// Bytes in base64, with padding (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A picture that [`super::Picture::encode`] has written, in the shape of a message.
pub fn message(encoded: &[u8], format: Format, shape: MessageShape) -> String {
    let media_type = format.media_type();
    let data = base64(encoded);
    let url = |data: &str| format!("data:{media_type};base64,{data}");
    match shape {
        MessageShape::Raw => data,
        MessageShape::Url => url(&data),
        MessageShape::OpenAi => {
            json!({"type": "image_url", "image_url": {"url": url(&data)}}).to_string()
        }
        MessageShape::Anthropic => json!({
            "type": "image",
            "source": {"type": "base64", "media_type": media_type, "data": data},
        })
        .to_string(),
        MessageShape::Gemini => {
            json!({"inline_data": {"mime_type": media_type, "data": data}}).to_string()
        }
    }
}
