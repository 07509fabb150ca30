//! Checksums that stores send along with a file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use reqwest::header::HeaderMap;
use sha2::{Digest as _, Sha256};

/// The checksums that a store announced, and what came so far by them. Those of the file as the store keeps it, so that
/// they are taken before anything is decoded.
#[derive(Debug, Default)]
pub(super) struct Checks {
    sha256: Option<(Sha256, [u8; 32])>,
    md5: Option<(Md5, [u8; 16])>,
    crc32c: Option<(u32, [u8; 4])>,
}

impl Checks {
    /// What the headers of an answer with the whole file announce. What cannot be read is passed over, such as the
    /// checksums of checksums that S3 has for files in parts.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut checks = Self::default();
        // Google's store can decompress on the way, and its checksums are of what it keeps.
        let stored = |name| each(headers, name).next();
        let is_decompressed = stored("x-goog-stored-content-encoding")
            .is_some_and(|stored| stored == "gzip")
            && stored("content-encoding").is_none();
        if !is_decompressed {
            for entry in each(headers, "x-goog-hash") {
                match entry.split_once('=') {
                    Some(("crc32c", value)) => checks.expect_crc32c(value),
                    Some(("md5", value)) => checks.expect_md5(value),
                    _ => {}
                }
            }
        }
        for value in each(headers, "content-md5") {
            checks.expect_md5(value);
        }
        for value in each(headers, "x-amz-checksum-crc32c") {
            checks.expect_crc32c(value);
        }
        for value in each(headers, "x-amz-checksum-sha256") {
            checks.expect_sha256(value);
        }
        for entry in each(headers, "repr-digest") {
            if let Some(value) = entry
                .strip_prefix("sha-256=:")
                .and_then(|rest| rest.strip_suffix(':'))
            {
                checks.expect_sha256(value);
            }
        }
        checks
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some((sum, _)) = &mut self.sha256 {
            sum.update(bytes);
        }
        if let Some((sum, _)) = &mut self.md5 {
            sum.update(bytes);
        }
        if let Some((sum, _)) = &mut self.crc32c {
            *sum = crc32c::crc32c_append(*sum, bytes);
        }
    }

    /// Errors: which checksum differs, and how.
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some((sum, expected)) = &self.sha256 {
            same("SHA-256", expected, &sum.clone().finalize())?;
        }
        if let Some((sum, expected)) = &self.crc32c {
            same("CRC32C", expected, &sum.to_be_bytes())?;
        }
        if let Some((sum, expected)) = &self.md5 {
            same("MD5", expected, &sum.clone().finalize())?;
        }
        Ok(())
    }

    fn expect_sha256(&mut self, value: &str) {
        if let Some(expected) = decoded(value) {
            self.sha256 = Some((Sha256::new(), expected));
        }
    }

    fn expect_md5(&mut self, value: &str) {
        if let Some(expected) = decoded(value) {
            self.md5 = Some((Md5::new(), expected));
        }
    }

    fn expect_crc32c(&mut self, value: &str) {
        if let Some(expected) = decoded(value) {
            self.crc32c = Some((0, expected));
        }
    }
}

/// The entries of a header, which can be there more than once.
fn each<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn decoded<const LENGTH: usize>(value: &str) -> Option<[u8; LENGTH]> {
    STANDARD.decode(value).ok()?.try_into().ok()
}

fn same(kind: &str, expected: &[u8], found: &[u8]) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    Err(format!(
        "{kind} {}, found {}",
        STANDARD.encode(expected),
        STANDARD.encode(found)
    ))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    /// Of "hello", by `openssl dgst` and by Google's documentation of the header.
    const SHA256: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    const MD5: &str = "XUFAKrxLKna5cZ2REBfFkg==";
    const CRC32C: &str = "mnG7TA==";

    fn checked(headers: &[(&'static str, &str)]) -> Result<(), String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a value");
            map.append(HeaderName::from_static(name), value);
        }
        let mut checks = Checks::of(&map);
        checks.update(b"hel");
        checks.update(b"lo");
        checks.check()
    }

    #[test]
    fn each_header_is_checked() {
        let repr = format!("sha-512=:AAAA:, sha-256=:{SHA256}:");
        let both = format!("crc32c={CRC32C},md5={MD5}");
        for (name, good, bad) in [
            ("content-md5", MD5, "YUFAKrxLKna5cZ2REBfFkg=="),
            ("x-goog-hash", &both, "crc32c=AAAAAA=="),
            ("x-amz-checksum-crc32c", CRC32C, "AAAAAA=="),
            (
                "x-amz-checksum-sha256",
                SHA256,
                "AAJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
            ),
            (
                "repr-digest",
                &repr,
                "sha-256=:AAJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:",
            ),
        ] {
            assert_eq!(checked(&[(name, good)]), Ok(()), "{name}");
            assert!(checked(&[(name, bad)]).is_err(), "{name}");
        }
        let bad = format!("md5={}", "AAAAKrxLKna5cZ2REBfFkg==");
        let crc = format!("crc32c={CRC32C}");
        assert_eq!(
            checked(&[("x-goog-hash", &crc), ("x-goog-hash", &bad)]),
            Err(format!("MD5 AAAAKrxLKna5cZ2REBfFkg==, found {MD5}"))
        );
    }

    #[test]
    fn what_is_not_of_these_bytes_is_passed_over() {
        assert_eq!(checked(&[("x-amz-checksum-crc32c", "AAAAAA==-3")]), Ok(()));
        assert_eq!(checked(&[("content-md5", "nonsense")]), Ok(()));
        assert_eq!(checked(&[("repr-digest", "sha-256=AAAA")]), Ok(()));
        let transcoded = [
            ("x-goog-stored-content-encoding", "gzip"),
            ("x-goog-hash", "crc32c=AAAAAA=="),
        ];
        assert_eq!(checked(&transcoded), Ok(()));
        assert!(checked(&[transcoded[0], transcoded[1], ("content-encoding", "gzip")]).is_err());
    }
}
