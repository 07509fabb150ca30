//! The files of data units, which Encord does not hand out itself: it signs URLs of the stores that have them.

use reqwest::Response;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use url::Url;

use super::client::Client;
use super::error::Error;
use super::operation;
use super::transport::root_cause;

impl Client {
    /// Reads a file from a URL that Encord has signed, which is under `data_link` of a data unit, and writes it to
    /// `into`. The request is not repeated: `into` then has a part of the file.
    ///
    /// Errors: [`super::ErrorKind::InvalidArguments`] if it is no URL (nothing is sent then), or if the file has more
    /// than `most` bytes; whatever the store answers.
    pub async fn read_file(&self, url: &str, into: &mut File, most: u64) -> Result<(), Error> {
        let context = self.transport.context(&operation::READ_FILE);
        let no_answer =
            |error: reqwest::Error| Error::transport(context, root_cause(&error), false);
        let address = Url::parse(url)
            .ok()
            .filter(|address| matches!(address.scheme(), "http" | "https"))
            .ok_or_else(|| {
                let found = format!("expected a URL of the file, found `{url}`");
                Error::invalid(context, found)
            })?;
        let mut response: Response = self.transport.get_file(address).await.map_err(no_answer)?;
        let status = response.status();
        if !status.is_success() {
            // The store's words are XML for programs.
            return Err(Error::http(context, status.as_u16(), b"", None));
        }
        let mut length = 0;
        while let Some(part) = response.chunk().await.map_err(no_answer)? {
            length += part.len() as u64;
            if length > most {
                let found = format!("expected a file of at most {most} bytes, found a larger one");
                return Err(Error::invalid(context, found));
            }
            let failed = |error: std::io::Error| Error::set_up(context, error.to_string());
            into.write_all(&part).await.map_err(failed)?;
        }
        let failed = |error: std::io::Error| Error::set_up(context, error.to_string());
        into.flush().await.map_err(failed)
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
