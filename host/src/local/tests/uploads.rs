use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use super::client::Served;
use super::{Scratch, bitmap, names_in};

/// A served project with one image, and the hash and the folder of its dataset.
pub(super) struct Place {
    pub(super) scratch: Scratch,
    pub(super) served: Served,
    pub(super) dataset: String,
    pub(super) folder: String,
}

impl Place {
    pub(super) async fn new() -> Self {
        let scratch = Scratch::new();
        scratch.add_images(1);
        scratch.init().expect("the media are fine");
        let served = Served::start(scratch.open().expect("it has been made")).await;
        Self::of(scratch, served).await
    }

    pub(super) async fn of(scratch: Scratch, served: Served) -> Self {
        let (_, listed) = served.v2(Method::GET, "datasets/list", None).await;
        let text = |value: &Value| value.as_str().expect("it is a text").to_owned();
        Self {
            dataset: text(&listed["result"][0]["datasetUuid"]),
            folder: text(&listed["result"][0]["backingFolderUuid"]),
            scratch,
            served,
        }
    }

    /// Ends the server, and starts another.
    pub(super) async fn reopened(self) -> Self {
        self.served.stop().await;
        let served = Served::start(self.scratch.open().expect("it has been made")).await;
        Self::of(self.scratch, served).await
    }

    /// URLs for uploads, as the server gives them.
    pub(super) async fn urls(&self, count: usize, item_type: &str) -> Vec<Value> {
        let path = format!("presigned-urls?count={count}&uploadItemType={item_type}");
        let (status, answer) = self.served.v2(Method::GET, &path, None).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["results"].as_array().expect("a page").clone()
    }

    pub(super) async fn put(&self, url: &str, content: Vec<u8>) -> StatusCode {
        let request = self.served.http.put(url).body(content);
        request.send().await.expect("the server runs").status()
    }

    /// Uploads a file, and returns what names it.
    pub(super) async fn upload(&self, content: Vec<u8>) -> Value {
        let place = self.urls(1, "image").await.remove(0);
        assert_eq!(self.put(link(&place), content).await, StatusCode::OK);
        place
    }

    /// A request of the older API about the dataset.
    pub(super) async fn v1(
        &self,
        query: &str,
        method: &str,
        uid: Value,
        payload: Value,
    ) -> (u64, Value) {
        let mut request = self
            .served
            .v1_request(query, method, uid, payload)
            .build()
            .expect("it is a request");
        let dataset = self.dataset.parse().expect("it is a header");
        request.headers_mut().insert("ResourceID", dataset);
        let answer = self.served.http.execute(request).await;
        let text = answer.expect("the server runs").text().await;
        let answer: Value = serde_json::from_str(&text.expect("the server answers")).expect("JSON");
        let status = answer["status"].as_u64().expect("it has a status");
        (status, answer["response"].clone())
    }

    /// What becomes of a job on the dataset.
    pub(super) async fn job(&self, items: Value, ignore_errors: bool) -> Value {
        let payload = json!({ "dataItems": items, "ignoreErrors": ignore_errors });
        let query = "datasetdatalongpolling";
        let (status, started) = self.v1(query, "POST", Value::Null, payload).await;
        assert_eq!(status, 200, "{started}");
        let (status, job) = self.v1(query, "GET", Value::Null, started).await;
        assert_eq!(status, 200, "{job}");
        job
    }

    pub(super) async fn titles(&self) -> Vec<String> {
        let (_, rows) = self.v1("datarows", "GET", Value::Null, json!({})).await;
        let rows = rows.as_array().expect("rows are a list").iter();
        rows.map(|row| {
            row["data_title"]
                .as_str()
                .expect("they have titles")
                .to_owned()
        })
        .collect()
    }

    pub(super) async fn tasks(&self) -> usize {
        let all = json!({ "include_uninitialised_labels": true });
        self.served.metadata(all).await.len()
    }

    pub(super) fn uploads(&self) -> Vec<String> {
        let folder = self.scratch.project().join("uploads");
        if folder.exists() {
            names_in(&folder)
        } else {
            Vec::new()
        }
    }
}

pub(super) fn link(place: &Value) -> &str {
    place["signedUrl"].as_str().expect("it has a URL")
}

pub(super) fn image(place: &Value, title: &str) -> Value {
    json!({ "objectUrl": place["objectKey"], "title": title })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_becomes_a_task_and_is_there_after_reopening() {
    let place = Place::new().await;
    let upload = place.upload(bitmap(7, 5)).await;
    // The server goes before anybody used the file, and its URL with it.
    let place = place.reopened().await;
    let metadata = json!({ "camera": 1 });
    let mut item = image(&upload, "new.bmp");
    item["clientMetadata"] = metadata.clone();
    let job = place.job(json!({ "images": [item] }), false).await;
    assert_eq!(
        (&job["status"], &job["units_done_count"]),
        (&json!("DONE"), &json!(1))
    );
    let added = &job["data_hashes_with_titles"][0];
    assert_eq!(
        (&added["title"], &added["backing_item_uuid"]),
        (&json!("new.bmp"), &upload["itemUuid"])
    );
    let place = place.reopened().await;
    assert_eq!(place.titles().await, ["image_000.bmp", "new.bmp"]);
    assert_eq!(place.tasks().await, 2);
    let path = format!(
        "storage/items/{}?signUrl=true",
        upload["itemUuid"].as_str().expect("it is a text")
    );
    let (_, item) = place.served.v2(Method::GET, &path, None).await;
    assert_eq!(
        (&item["width"], &item["mimeType"]),
        (&json!(7), &json!("image/bmp"))
    );
    assert_eq!(item["clientMetadata"], metadata.to_string());
    let url = item["signedUrl"].as_str().expect("it has a file");
    let file = place
        .served
        .http
        .get(url)
        .send()
        .await
        .expect("the server runs");
    assert_eq!(
        file.bytes().await.expect("the server answers"),
        bitmap(7, 5)
    );
    place.served.stop().await;
    // Starting over forgets labels, not files.
    place.scratch.reset().expect("nobody has it open");
    let served = Served::start(place.scratch.open().expect("it is there")).await;
    let place = Place::of(place.scratch, served).await;
    assert_eq!(place.titles().await, ["image_000.bmp", "new.bmp"]);
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    let place = Place::new().await;
    let url = place.urls(1, "image").await.remove(0);
    let target: Url = link(&url).parse().expect("it is a URL");
    let path = &target[url::Position::BeforePath..];
    let addr = target.socket_addrs(|| None).expect("it is on this machine")[0];
    let mut cut = TcpStream::connect(addr).await.expect("the server runs");
    let head = format!("PUT {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Length: 1000000\r\n\r\n");
    cut.write_all(head.as_bytes())
        .await
        .expect("the server reads");
    cut.write_all(&[7; 100_000])
        .await
        .expect("the server reads");
    cut.shutdown().await.expect("the connection is open");
    // What is answered, if anything, is told before the connection ends.
    let mut answer = Vec::new();
    let _ = cut.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    while !place.uploads().is_empty() {
        tokio::task::yield_now().await;
    }
    let job = place
        .job(json!({ "images": [image(&url, "cut.bmp")] }), false)
        .await;
    assert_eq!(job["status"], "ERROR");
    let error = job["errors"][0].as_str().expect("it says why");
    assert!(
        error.contains("expected a file that was uploaded"),
        "{error}"
    );
    // The URL is still good.
    assert_eq!(place.put(link(&url), bitmap(3, 3)).await, StatusCode::OK);
    let job = place
        .job(json!({ "images": [image(&url, "cut.bmp")] }), false)
        .await;
    assert_eq!(job["status"], "DONE");
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_url_that_was_signed_takes_the_file() {
    let place = Place::new().await;
    let urls = place.urls(2, "image").await;
    let (one, other) = (link(&urls[0]), link(&urls[1]));
    let query = |url: &str| url.split_once('?').expect("it is signed").1.to_owned();
    let (path, signed) = one.split_once('?').expect("it is signed");
    let (_, signature) = signed.split_once('&').expect("it has two parts");
    let (_, row) = place.v1("datarows", "GET", Value::Null, json!({})).await;
    let item = row[0]["backing_item_uuid"]
        .as_str()
        .expect("it has an item");
    for refused in [
        path.to_owned(),
        format!("{path}?{}", query(other)),
        format!("{path}?expires=1&{signature}"),
        format!("{path}?expires=99999999999&{signature}"),
        format!("{path}?{signed}0"),
    ] {
        let status = place.put(&refused, bitmap(1, 1)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{refused}");
    }
    assert!(place.uploads().is_empty());
    // Neither kind of URL is good for the other.
    let read = format!("storage/items/{item}?signUrl=true");
    let (_, shown) = place.served.v2(Method::GET, &read, None).await;
    let media = shown["signedUrl"].as_str().expect("it has a file");
    let status = place
        .put(&media.replace("/media/", "/uploads/"), bitmap(1, 1))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it has one segment more");
    let as_upload = format!("{}uploads/{item}?{}", place.served.url, query(media));
    assert_eq!(
        place.put(&as_upload, bitmap(1, 1)).await,
        StatusCode::FORBIDDEN
    );
    let as_media = format!("{}/x?{signed}", path.replace("/uploads/", "/media/"));
    let read = place
        .served
        .http
        .get(as_media)
        .send()
        .await
        .expect("the server runs");
    assert_eq!(read.status(), StatusCode::FORBIDDEN);
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_does_not_change_once_it_is_an_item_and_is_not_too_large() {
    let place = Place::new().await;
    let upload = place.upload(bitmap(3, 3)).await;
    assert_eq!(place.put(link(&upload), bitmap(4, 4)).await, StatusCode::OK);
    let job = place
        .job(json!({ "images": [image(&upload, "one")] }), false)
        .await;
    assert_eq!(job["status"], "DONE");
    assert_eq!(
        place.put(link(&upload), bitmap(5, 5)).await,
        StatusCode::CONFLICT
    );
    // Named by its key, the file can be another item; its own UUID is taken.
    let mut twice = image(&upload, "two");
    let job = place.job(json!({ "images": [twice] }), false).await;
    assert_eq!(job["status"], "DONE");
    twice["placeholderItemUuid"] = upload["itemUuid"].clone();
    let job = place.job(json!({ "images": [twice] }), false).await;
    assert_eq!(job["status"], "ERROR");
    assert_eq!(place.titles().await, ["image_000.bmp", "one", "two"]);

    let url = place.urls(1, "image").await.remove(0);
    let target: Url = link(&url).parse().expect("it is a URL");
    let addr = target.socket_addrs(|| None).expect("it is on this machine")[0];
    let mut large = TcpStream::connect(addr).await.expect("the server runs");
    let path = &target[url::Position::BeforePath..];
    let head = format!("PUT {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Length: 9000000000\r\n\r\n");
    large
        .write_all(head.as_bytes())
        .await
        .expect("the server reads");
    let mut answer = [0; 12];
    large
        .read_exact(&mut answer)
        .await
        .expect("the server answers");
    assert_eq!(&answer, b"HTTP/1.1 413");
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_to_one_folder_is_brought_to_the_dataset_in_another() {
    let (first, second) = (Scratch::new(), Scratch::new());
    for scratch in [&first, &second] {
        scratch.add_images(1);
        scratch.init().expect("the media are fine");
    }
    let open = |scratch: &Scratch| scratch.open().expect("it has been made");
    let served = Served::start_all(vec![open(&second), open(&first)]).await;
    let (_, listed) = served.v2(Method::GET, "datasets/list", None).await;
    let of_first = listed["result"][1].clone();
    let mut place = Place::of(first, served).await;
    place.dataset = of_first["datasetUuid"]
        .as_str()
        .expect("it is a text")
        .to_owned();
    let upload = place.upload(bitmap(3, 3)).await;
    assert!(
        place.uploads().is_empty(),
        "it is in the folder that is served first"
    );
    let job = place
        .job(json!({ "images": [image(&upload, "brought")] }), false)
        .await;
    assert_eq!(job["status"], "DONE", "{job}");
    assert_eq!(place.uploads().len(), 1);
    place.served.stop().await;
}
