use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use super::client::Served;
use super::{Scratch, bitmap, names_in};

/// A served project with one image, and the hash and the folder of its dataset.
struct Place {
    scratch: Scratch,
    served: Served,
    dataset: String,
    folder: String,
}

impl Place {
    async fn new() -> Self {
        let scratch = Scratch::new();
        scratch.add_images(1);
        scratch.init().expect("the media are fine");
        let served = Served::start(scratch.open().expect("it has been made")).await;
        Self::of(scratch, served).await
    }

    async fn of(scratch: Scratch, served: Served) -> Self {
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
    async fn reopened(self) -> Self {
        self.served.stop().await;
        let served = Served::start(self.scratch.open().expect("it has been made")).await;
        Self::of(self.scratch, served).await
    }

    /// URLs for uploads, as the server gives them.
    async fn urls(&self, count: usize, item_type: &str) -> Vec<Value> {
        let path = format!("presigned-urls?count={count}&uploadItemType={item_type}");
        let (status, answer) = self.served.v2(Method::GET, &path, None).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["results"].as_array().expect("a page").clone()
    }

    async fn put(&self, url: &str, content: Vec<u8>) -> StatusCode {
        let request = self.served.http.put(url).body(content);
        request.send().await.expect("the server runs").status()
    }

    /// Uploads a file, and returns what names it.
    async fn upload(&self, content: Vec<u8>) -> Value {
        let place = self.urls(1, "image").await.remove(0);
        assert_eq!(self.put(link(&place), content).await, StatusCode::OK);
        place
    }

    /// A request of the older API about the dataset.
    async fn v1(&self, query: &str, method: &str, uid: Value, payload: Value) -> (u64, Value) {
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
    async fn job(&self, items: Value, ignore_errors: bool) -> Value {
        let payload = json!({ "dataItems": items, "ignoreErrors": ignore_errors });
        let query = "datasetdatalongpolling";
        let (status, started) = self.v1(query, "POST", Value::Null, payload).await;
        assert_eq!(status, 200, "{started}");
        let (status, job) = self.v1(query, "GET", Value::Null, started).await;
        assert_eq!(status, 200, "{job}");
        job
    }

    async fn titles(&self) -> Vec<String> {
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

    async fn tasks(&self) -> usize {
        let all = json!({ "include_uninitialised_labels": true });
        self.served.metadata(all).await.len()
    }

    fn uploads(&self) -> Vec<String> {
        let folder = self.scratch.project().join("uploads");
        if folder.exists() {
            names_in(&folder)
        } else {
            Vec::new()
        }
    }
}

fn link(place: &Value) -> &str {
    place["signedUrl"].as_str().expect("it has a URL")
}

fn image(place: &Value, title: &str) -> Value {
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
async fn a_broken_file_spoils_a_job_unless_errors_are_ignored() {
    let place = Place::new().await;
    let good = place.upload(bitmap(3, 3)).await;
    let bad = place.upload(b"no image".to_vec()).await;
    let elsewhere = json!({ "objectUrl": "s3://bucket/sound.wav" });
    let items = json!({
        "images": [image(&good, "good"), image(&bad, "bad")],
        "audio": [elsewhere],
    });
    let counts = |job: &Value| {
        ["done", "error", "cancelled", "pending"].map(|what| {
            job[format!("units_{what}_count")]
                .as_u64()
                .expect("a number")
        })
    };
    let job = place.job(items.clone(), false).await;
    assert_eq!(
        (&job["status"], counts(&job)),
        (&json!("ERROR"), [0, 2, 1, 0])
    );
    assert_eq!(job["data_hashes_with_titles"], json!([]));
    let error = &job["data_unit_errors"][0];
    assert_eq!(error["object_urls"], json!([bad["objectKey"]]));
    assert_eq!(error["action_description"], "Uploading image");
    let said = error["error"].as_str().expect("it says why");
    assert!(said.starts_with("bad: expected an image"), "{said}");
    assert_eq!(place.titles().await, ["image_000.bmp"]);

    let job = place.job(items, true).await;
    assert_eq!(
        (&job["status"], counts(&job)),
        (&json!("DONE"), [1, 2, 0, 0])
    );
    assert_eq!(place.titles().await, ["image_000.bmp", "good"]);
    assert_eq!(place.tasks().await, 2);
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_this_server_cannot_add_is_refused() {
    let place = Place::new().await;
    let query = "datasetdatalongpolling";
    for refused in [
        json!({ "files": { "videos": [] }, "ignoreErrors": false }),
        json!({ "integrationId": place.dataset, "dataItems": {}, "ignoreErrors": true }),
        json!({ "dataItems": { "timeSeries": [{}] }, "ignoreErrors": true }),
        json!({ "dataItems": { "scenes": [{}] }, "ignoreErrors": true }),
        json!({ "dataItems": {}, "ignoreErrors": true }),
    ] {
        let (status, said) = place.v1(query, "POST", Value::Null, refused).await;
        assert_eq!((status, said), (400, json!(["INVALID_ARGUMENTS_ERROR"])));
    }
    let path = format!("storage/folders/{}/data-upload-jobs", place.folder);
    let body = json!({ "externalFiles": { "videos": [] }, "ignoreErrors": true });
    let (status, said) = place.served.v2(Method::POST, &path, Some(body)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        said["message"]
            .as_str()
            .expect("it says why")
            .contains("no cloud integrations")
    );
    for item_type in ["scene", "timeseries", "group", ""] {
        let path = format!("presigned-urls?count=1&uploadItemType={item_type}");
        let (status, _) = place.served.v2(Method::GET, &path, None).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{item_type}");
    }
    let unknown = format!("{path}/00000000-0000-4000-8000-000000000000");
    let (status, _) = place.served.v2(Method::GET, &unknown, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_parts_of_several_groups_and_items_of_their_own() {
    let place = Place::new().await;
    let mut parts = Vec::new();
    for title in ["left", "right"] {
        let upload = place.upload(bitmap(3, 3)).await;
        place
            .job(json!({ "images": [image(&upload, title)] }), false)
            .await;
        parts.push(upload["itemUuid"].clone());
    }
    let path = format!("storage/folders/{}/create-group-items", place.folder);
    let groups = json!([
        { "layoutType": "default-grid", "layoutContents": parts, "name": "grid" },
        { "layoutType": "custom", "layoutContents": { "b": parts[1], "a": parts[0] }, "timeline": ["a"] },
    ]);
    let (status, made) = place.served.v2(Method::POST, &path, Some(groups)).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let of_folder = format!("storage/folders/{}/items", place.folder);
    for (group, expected) in [(0, [&parts[0], &parts[1]]), (1, [&parts[1], &parts[0]])] {
        let group = made[group].as_str().expect("it is a UUID");
        let path = format!("{of_folder}/{group}/child-items");
        let (_, children) = place.served.v2(Method::GET, &path, None).await;
        let children = children["results"].as_array().expect("a page").iter();
        let uuids: Vec<_> = children.map(|child| &child["uuid"]).collect();
        assert_eq!(uuids, expected);
    }
    let keyed = made[1].as_str().expect("it is a UUID");
    let path = format!("{of_folder}/{keyed}/summary?includeGroupLayout=true");
    let (_, summary) = place.served.v2(Method::GET, &path, None).await;
    assert_eq!(
        summary["groupLayout"]["layoutContents"]["a"]["uuid"],
        parts[0]
    );
    assert_eq!(summary["groupLayout"]["timeline"], json!(["a"]));
    let (_, listed) = place.served.v2(Method::GET, &of_folder, None).await;
    let listed = listed["results"].as_array().expect("a page");
    assert_eq!(listed.len(), 5, "both images are items still");

    // Both groups and the image they share are data units of one dataset, and go without each other.
    let link = json!({ "item_uuids": made });
    let (status, linked) = place
        .v1("datasetlinkitems", "POST", Value::Null, link)
        .await;
    assert_eq!(status, 200, "{linked}");
    assert_eq!(place.tasks().await, 5);
    let rows = json!({ "include_uninitialised_labels": true, "include_children": true });
    assert_eq!(place.served.metadata(rows.clone()).await.len(), 9);
    let (_, row) = place
        .served
        .v1("labelrow", "PUT", linked[1]["data_hash"].clone(), json!({}))
        .await;
    let spaces = row["spaces"].as_object().expect("it is a group").values();
    let keys: Vec<_> = spaces
        .map(|space| &space["child_info"]["layout_key"])
        .collect();
    assert_eq!(keys, ["b", "a"]);
    let gone = json!([linked[1]["data_hash"]]);
    assert_eq!(
        place.v1("video", "DELETE", gone.clone(), json!({})).await.0,
        200
    );
    assert_eq!(place.v1("video", "DELETE", gone, json!({})).await.0, 404);
    assert_eq!(place.served.metadata(rows).await.len(), 6);

    let nested = json!([{ "layoutType": "default-list", "layoutContents": [keyed] }]);
    let path = format!("storage/folders/{}/create-group-items", place.folder);
    let (status, _) = place.served.v2(Method::POST, &path, Some(nested)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_and_the_dataset_that_was_made_with_it_are_kept_alike() {
    let place = Place::new().await;
    let new = json!({ "title": "Both", "createBackingFolder": true });
    let (_, made) = place.served.v2(Method::POST, "datasets", Some(new)).await;
    let folder = made["backingFolderUuid"].as_str().expect("it has one");
    let (_, shown) = place
        .served
        .v2(Method::GET, &format!("storage/folders/{folder}"), None)
        .await;
    assert_eq!(shown["syncedDatasetHash"], made["datasetUuid"]);
    let upload = place.upload(b"some text".to_vec()).await;
    let items = json!({ "text": [image(&upload, "note.md")] });
    let path = format!("storage/folders/{folder}/data-upload-jobs");
    let start = json!({ "dataItems": items, "ignoreErrors": false });
    let (status, job) = place.served.v2(Method::POST, &path, Some(start)).await;
    assert_eq!(status, StatusCode::OK, "{job}");
    let path = format!("{path}/{}", job.as_str().expect("it is a UUID"));
    let (_, job) = place.served.v2(Method::GET, &path, None).await;
    assert_eq!(job["itemsWithNames"][0]["name"], "note.md");
    let place = Place {
        dataset: made["datasetUuid"]
            .as_str()
            .expect("it is a text")
            .to_owned(),
        ..place
    };
    assert_eq!(place.titles().await, ["note.md"]);
    let (_, summary) = place
        .served
        .v2(
            Method::GET,
            &format!("storage/folders/{folder}/summary"),
            None,
        )
        .await;
    assert_eq!(
        (
            &summary["plainTexts"],
            &summary["totalSize"],
            &summary["uploadJobs"]
        ),
        (&json!(1), &json!(9), &json!(1))
    );
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_become_a_video_with_a_frame_for_each() {
    let place = Place::new().await;
    let mut images = Vec::new();
    for _ in 0..3 {
        let upload = place.upload(bitmap(33, 21)).await;
        images.push(json!({ "url": upload["objectKey"], "title": "frame" }));
    }
    let group = |images: &Value| json!({ "images": images, "title": "all", "createVideo": true });
    let all = images.clone().into();
    let job = place
        .job(json!({ "imageGroups": [group(&all)] }), false)
        .await;
    assert_eq!(job["status"], "DONE", "{job}");
    let listing = json!({ "include_uninitialised_labels": true, "data_title_eq": "all" });
    let rows = place.served.metadata(listing).await;
    assert_eq!(rows[0]["is_image_sequence"], true);
    let size = ["number_of_frames", "width", "height"].map(|name| rows[0][name].as_u64());
    assert_eq!(size, [Some(3), Some(33), Some(21)]);

    let before = place.uploads().len();
    let other = place.upload(bitmap(4, 4)).await;
    images.push(json!({ "url": other["objectKey"], "title": "other" }));
    let job = place
        .job(json!({ "imageGroups": [group(&images.into())] }), false)
        .await;
    let error = job["errors"][0].as_str().expect("it says why");
    assert_eq!(error, "expected images of one size, found several");
    // A video whose job failed for another reason is not kept.
    let missing = json!({ "objectUrl": "uploads/nothing" });
    let items = json!({ "imageGroups": [group(&all)], "pdf": [missing] });
    let job = place.job(items, false).await;
    assert_eq!(
        (&job["status"], &job["units_cancelled_count"]),
        (&json!("ERROR"), &json!(1))
    );
    assert_eq!(place.uploads().len(), before + 1);
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
