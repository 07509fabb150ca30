//! Pictures as FFmpeg writes them one after another: `P6`, width, height, 255, and the pixels.

use bytes::{Buf as _, BytesMut};

use crate::error::MediaError;
use crate::picture::{Picture, byte_size};

/// Longer than any that FFmpeg writes: `P6\n65536 65536\n255\n`.
const MOST_HEADER: usize = 32;

/// Takes one picture off the beginning. `Err(n)` if `n` more bytes have to come first.
pub(super) fn take(buffer: &mut BytesMut) -> Result<Result<Picture, usize>, MediaError> {
    let Some((width, height, start)) = header(buffer)? else {
        return Ok(Err(MOST_HEADER.saturating_sub(buffer.len())));
    };
    let size = byte_size(width, height)?;
    if buffer.len() < start + size {
        return Ok(Err(start + size - buffer.len()));
    }
    buffer.advance(start);
    let rgb = buffer.split_to(size).freeze();
    Picture::of_bytes(width, height, rgb).map(Ok)
}

/// Width, height, and where the pixels start. `None` if it is not all there yet.
fn header(buffer: &[u8]) -> Result<Option<(u32, u32, usize)>, MediaError> {
    let head = &buffer[..buffer.len().min(MOST_HEADER)];
    let mut ends = (0..head.len()).filter(|at| head[*at] == b'\n');
    let (Some(first), Some(second), Some(third)) = (ends.next(), ends.next(), ends.next()) else {
        if head.len() == MOST_HEADER {
            return Err(unexpected(head));
        }
        return Ok(None);
    };
    let parsed = || {
        let text = |from, to| std::str::from_utf8(&head[from..to]).ok();
        let (width, height) = text(first + 1, second)?.split_once(' ')?;
        let is_8_bit = text(0, first)? == "P6" && text(second + 1, third)? == "255";
        is_8_bit
            .then_some(())
            .and(Some((width.parse().ok()?, height.parse().ok()?, third + 1)))
    };
    parsed().map(Some).ok_or_else(|| unexpected(head))
}

fn unexpected(head: &[u8]) -> MediaError {
    MediaError::other(format!(
        "expected a picture in the format PPM from ffmpeg, found {:?}",
        String::from_utf8_lossy(head)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_any_size_one_after_another_in_any_pieces() {
        let mut all = b"P6\n2 1\n255\nabcdefP6\n1 1\n255\nxyz".to_vec();
        all.extend_from_slice(b"P6\n1 2\n255\n\n\n\n\n\n\n");
        let mut buffer = BytesMut::new();
        let mut found = Vec::new();
        for byte in all {
            buffer.extend_from_slice(&[byte]);
            match take(&mut buffer).expect("pictures") {
                Ok(picture) => {
                    found.push((picture.width(), picture.height(), picture.rgb().to_vec()))
                }
                Err(missing) => assert!(missing > 0),
            }
        }
        assert_eq!(
            found,
            [
                (2, 1, b"abcdef".to_vec()),
                (1, 1, b"xyz".to_vec()),
                (1, 2, b"\n\n\n\n\n\n".to_vec())
            ]
        );
        assert!(buffer.is_empty());
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for wrong in [
            "P5\n2 1\n255\n",
            "P6\n2 1\n65535\n",
            "P6\n2\n255\n",
            "P6\n-2 1\n255\n",
            "P6\n0 1\n255\n",
            "P6\n65536 65536\n255\n",
            "0123456789012345678901234567890123456789",
        ] {
            assert!(take(&mut BytesMut::from(wrong)).is_err(), "{wrong}");
        }
    }
}
