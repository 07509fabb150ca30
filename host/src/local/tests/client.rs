//! A client that signs as Encord's do.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

use crate::local::{Server, ServerOptions, Workspace};

/// A served project and somebody who may use it.
pub(super) struct Served {
    pub(super) server: Server,
    pub(super) http: reqwest::Client,
    pub(super) url: Url,
    pub(super) key: SigningKey,
    pub(super) project: Uuid,
}

impl Served {
    pub(super) async fn start(workspace: Workspace) -> Self {
        Self::start_all(vec![workspace]).await
    }

    /// Works on the first project of the first.
    pub(super) async fn start_all(workspaces: Vec<Workspace>) -> Self {
        Self::start_with(workspaces, ServerOptions::default()).await
    }

    /// With these options, and a key besides those that they name.
    pub(super) async fn start_with(workspaces: Vec<Workspace>, mut options: ServerOptions) -> Self {
        // Whoever is first installs it; it is not used over plain HTTP, but must be there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = SigningKey::from_bytes(&rand::random());
        let public_key = hex(key.verifying_key().as_bytes());
        let project = workspaces[0].projects()[0].hash;
        options.public_keys.push(public_key);
        let server = Server::start(workspaces, options)
            .await
            .expect("a free port can be had");
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("the client needs nothing");
        Self {
            url: server.url(),
            server,
            http,
            key,
            project,
        }
    }

    pub(super) async fn stop(self) {
        drop(self.http);
        self.server.stop().await;
    }

    /// A `/v2/public/` request.
    pub(super) async fn v2(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let request = self.v2_request(method, path, body);
        let response = request.send().await.expect("the server runs");
        let status = response.status();
        let text = response.text().await.expect("the server answers");
        (
            status,
            serde_json::from_str(&text).expect("answers are JSON"),
        )
    }

    /// A signed `/v2/public/` request that is not sent yet.
    pub(super) fn v2_request(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> RequestBuilder {
        let target = format!("/v2/public/{path}");
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&body)));
        let created = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("the clock is right")
            .as_secs();
        let key = hex(self.key.verifying_key().as_bytes());
        let parameters = format!(
            r#"("@method" "@request-target" "content-digest");created={created};keyid="{key}";alg="ed25519""#
        );
        let base = format!(
            "\"@method\": {method}\n\"@request-target\": {target}\n\"content-digest\": {digest}\n\
             \"@signature-params\": {parameters}"
        );
        let signature = STANDARD.encode(self.key.sign(base.as_bytes()).to_bytes());
        let url = self.url.join(&target).expect("it is a path");
        let request = self
            .http
            .request(method, url)
            .header("Content-Digest", digest);
        let request = request.header("Signature-Input", format!("encord-sig={parameters}"));
        request
            .header("Signature", format!("encord-sig=:{signature}:"))
            .body(body)
    }

    /// A `/v2/public/projects/<project>/` request that must succeed.
    pub(super) async fn of_project(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        let (status, answer) = self
            .v2(method, &format!("projects/{}/{path}", self.project), body)
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// A `/public` request: the status in the envelope, and the response.
    pub(super) async fn v1(
        &self,
        query_type: &str,
        method: &str,
        uid: Value,
        payload: Value,
    ) -> (u64, Value) {
        let request = self.v1_request(query_type, method, uid, payload);
        let response = request.send().await.expect("the server runs");
        assert_eq!(response.status(), StatusCode::OK);
        let text = response.text().await.expect("the server answers");
        let answer: Value = serde_json::from_str(&text).expect("answers are JSON");
        (
            answer["status"]
                .as_u64()
                .expect("the envelope has a status"),
            answer["response"].clone(),
        )
    }

    /// A signed `/public` request that is not sent yet.
    pub(super) fn v1_request(
        &self,
        query_type: &str,
        method: &str,
        uid: Value,
        payload: Value,
    ) -> RequestBuilder {
        let values = json!({ "uid": uid, "payload": payload });
        let body = json!({ "query_type": query_type, "query_method": method, "values": values })
            .to_string();
        let signature = self.key.sign(&Sha256::digest(&body));
        let key = hex(self.key.verifying_key().as_bytes());
        let authorization = format!("{key}:{}", hex(&signature.to_bytes()));
        let url = self.url.join("/public").expect("it is a path");
        let request = self.http.post(url).header("Authorization", authorization);
        request
            .header("ResourceType", "project")
            .header("ResourceID", self.project.to_string())
            .body(body)
    }

    pub(super) async fn metadata(&self, payload: Value) -> Vec<Value> {
        let (status, rows) = self
            .v1("labelrowmetadata", "GET", Value::Null, payload)
            .await;
        assert_eq!(status, 200, "{rows}");
        rows.as_array().expect("rows are a list").clone()
    }

    /// UUIDs of the tasks on all pages of a stage, with what `between` does after each page.
    pub(super) async fn tasks(
        &self,
        stage: Uuid,
        mut between: impl AsyncFnMut(&[Value]),
    ) -> Vec<String> {
        let mut tasks = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let query = token
                .map(|token| format!("?pageToken={token}"))
                .unwrap_or_default();
            let page = self
                .of_project(
                    Method::GET,
                    &format!("workflow/stages/{stage}/tasks{query}"),
                    None,
                )
                .await;
            let results = page["results"].as_array().expect("pages have results");
            tasks.extend(
                results
                    .iter()
                    .map(|task| task["uuid"].as_str().expect("tasks have UUIDs").to_owned()),
            );
            between(results).await;
            token = page["nextPageToken"].as_str().map(str::to_owned);
            if token.is_none() {
                return tasks;
            }
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
