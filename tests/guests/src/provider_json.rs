//! Gives JSON. The title of the data unit says how: "refused…" gives an error, "late…" one that a retry may help, "broken…"
//! panics, "spin…" never ends, "hog…" takes all memory, "writes…" tries to write.

use runner_sdk::prelude::*;

#[provide]
fn metadata(
    task: AgentTask,
    item: Result<StorageItem>,
    context: &Context,
) -> Result<Json<JsonValue>> {
    let title = task.data_title();
    info!("gives JSON for {title}");
    match title.trim_end_matches(|character: char| !character.is_ascii_lowercase()) {
        title if title.starts_with("refused") => {
            return Err(AgentError::fatal("there is none of it"));
        }
        title if title.starts_with("late") => {
            return Err(AgentError::retry("there is none of it yet"));
        }
        title if title.starts_with("broken") => panic!("the dependency is broken"),
        title if title.starts_with("spin") => loop {
            std::hint::black_box(0);
        },
        title if title.starts_with("hog") => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![1; 1 << 20]);
                std::hint::black_box(&hoard);
            }
        }
        title if title.starts_with("writes") => {
            if let Ok(item) = &item {
                info!(
                    "metadata: {:?}",
                    item.update_client_metadata(&json!({ "a": 1 }))
                );
            }
            if let Ok(row) = context.label_row() {
                info!("save: {:?}", row.save());
            }
        }
        _ => (),
    }
    let size = item.ok().and_then(|item| item.file_size());
    Ok(Json(
        json!({ "title": title, "size": size, "attempt": context.attempt() }),
    ))
}
