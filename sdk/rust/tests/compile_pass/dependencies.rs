//! Every parameter that came with dependencies; functions in modules, options of all attributes, names that the generated code
//! could be thought to use.

#![forbid(unsafe_code)]
#![deny(warnings)]

use std::collections::HashMap;

use runner_sdk::prelude::*;
use runner_sdk::{Geometry, Method, Value};

mod quality {
    use runner_sdk::prelude::*;

    /// How bright it is.
    #[dependency]
    pub fn brightness(frame: SingleFrame) -> f64 {
        frame.brightness()
    }

    #[dependency]
    pub(crate) fn verdict(brightness: Depends<brightness>, item: StorageItem) -> Result<Verdict, std::num::ParseIntError> {
        let limit: u8 = item.name().parse()?;
        Ok(Verdict { dark: *brightness < f64::from(limit) })
    }

    pub(crate) struct Verdict {
        pub(crate) dark: bool,
    }
}

use quality::{brightness, verdict};

#[stage("Nested")]
fn nested(verdict: Depends<verdict>, brightness: Depends<brightness>) -> Outcome {
    Outcome::to(if verdict.dark { "Reject" } else { "Keep" }).priority(*brightness)
}

#[dependency(teardown = close)]
fn resolve(context: &Context, task: AgentTask) -> (u32, String) {
    (context.attempt(), task.data_title())
}

fn close(value: &(u32, String)) {
    info!("{}", value.1);
}

#[dependency(teardown = run,)]
fn value(declaration: Depends<resolve>) -> &'static str {
    if declaration.0 > 0 { "again" } else { "first" }
}

fn run(_: &&str) {}

#[dependency]
#[cfg(any())]
fn left_out(row: TypeThatIsNowhere) -> u8 {}

#[dependency]
fn context(value: Depends<value>, pair: (Asset, SingleFrame), frame: Result<SingleFrame>) -> std::io::Result<Vec<u8>> {
    let bytes = std::fs::read(pair.0.path().map_err(std::io::Error::other)?)?;
    let _ = (value.len(), pair.1.width(), frame.is_ok());
    Ok(bytes)
}

#[stage("Names")]
fn names(declaration: Depends<context>) -> Option<&'static str> {
    (!declaration.is_empty()).then_some("Keep")
}

#[dependency(per_run)]
fn table(project: Project, settings: Settings, run: &RunContext, client: Client) -> Result<Vec<u8>> {
    let _ = (project.title(), run.project().title(), client);
    Ok(settings.get("table").unwrap_or_default().into())
}

#[dependency(per_run)]
fn words(table: Depends<table>, model: Depends<Model>, ontology: Ontology) -> Json<HashMap<String, usize>> {
    let _ = (model.kind(), ontology.title());
    Json(HashMap::from([("words".to_owned(), table.len())]))
}

#[dependency(per_run)]
fn text(run: RunContext) -> String {
    run.project().title()
}

#[dependency(per_run)]
fn create(context: RunContext) -> Result<Bytes> {
    Ok(Bytes(context.dependency("model")?.call("bytes", b"")?))
}

#[stage("Once in a run")]
fn per_run(words: Depends<words>, table: Depends<table>, text: Depends<text>, create: Depends<create>, parts: Handle<table>) -> Result<&'static str> {
    let part: Vec<u8> = parts.read(0, 8)?;
    let all: &[u8] = &table;
    Ok(if words["words"] == all.len() + part.len() + text.len() + create.len() { "Keep" } else { "Reject" })
}

named! {
    /// Of the catalogue.
    pub Catalogue = "catalogue": Json<HashMap<String, f64>>;
    pub(crate) Raw = "raw": Bytes;
    Model = "model": Callable;
}
named!(Single = "single": Bytes);

#[stage("Named")]
fn named(catalogue: Depends<Catalogue>, raw: Depends<Raw>, model: Depends<Model>, single: Handle<Single>, lent: &Context) -> Result<()> {
    let score: f64 = model.call_json("score", &catalogue["a"])?;
    let other: Value = lent.dependency("other")?;
    let _ = (score, raw[0], single.size(), other.kind(), model.clone());
    Ok(())
}

#[stage("Media", twin = "49a786f3-5edf-4b94-aff0-3da9042d3bf0", twin_task)]
fn media(asset: Asset, single: SingleFrame, video: VideoIterator, sampler: VideoSampler, twin: Twin, perhaps: Option<Twin>, row: LabelRow) -> Result<()> {
    let _ = (asset.size(), twin.task()?, perhaps.is_some());
    let frames = video.collect::<Result<Vec<_>, _>>()?;
    for frame in sampler.sample_rate(0.2)?.chain(sampler.sample_frames(vec![1, 2])?) {
        let frame = frame?;
        for object in row.objects().on(frame.index()) {
            let part = frame.crop_object(&object)?;
            let Some(annotation) = object.annotation(frame.index()) else { continue };
            let same = frame.crop(&annotation)?;
            info!("{} {}", part.width(), same.encode(Encoding::jpeg(80))?.len());
        }
    }
    let geometry = Geometry::BoundingBox(BoundingBox::new(0.1, 0.1, 0.5, 0.5));
    let small = single.crop(&geometry)?.fit(64, 64)?;
    let message = json!({ "role": "user", "content": [small.openai_content(ImageFormat::Png)?] });
    let first = frames.first().and_then(|frame| frame.pixels().get(0, 0));
    info!("{message} {first:?}");
    Ok(())
}

#[stage("Twin of a setting", twin_setting = "twin", client_metadata)]
fn twin(twin: Option<Twin>) -> Option<&'static str> {
    twin.map(|_| "Compare")
}

#[stage("Calls")]
fn calls(client: Client, item: StorageItem) -> Result<()> {
    let found: JsonValue = client.get("storage/items/a", &[("sign_url", "true")])?;
    let text: String = client.request(Method::Delete, "storage/items/a", &[], None)?;
    item.update_client_metadata(&json!({ "found": found, "text": text }))?;
    for child in item.children()? {
        info!("{}", child.read_single_frame()?.width());
    }
    Ok(())
}

#[stage("Batch", batch = 32, objects = ["Car"])]
fn batch(batch: Batch<(SingleFrame, Depends<brightness>, LabelRow)>) -> Result<Outcomes> {
    let scores: Vec<f64> = batch.iter().map(|(frame, brightness, _)| frame.sharpness() * **brightness).collect();
    batch.zip(scores, |(_, _, row), score| {
        row.set_priority(score)?;
        Ok(Pathway::named("Next"))
    })
}

#[stage("Batch of one kind", batch = 1)]
fn one_kind(tasks: Batch<Result<LabelRow>>) -> Outcomes {
    tasks.map(|row| Ok(row?.data_title()))
}

#[provide(branch = "predictions", reviews)]
fn provided(row: LabelRow, verdict: Depends<verdict>) -> Result<Json<JsonValue>> {
    Ok(Json(json!({ "title": row.data_title(), "dark": verdict.dark })))
}

fn main() {}
