//! Keeps more pictures, and decodes more videos at once, than an attempt can have.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn agent(frame: SingleFrame, item: StorageItem) -> Result<()> {
    let mut kept = Vec::new();
    let refused = loop {
        match frame.resize(2000, 2000) {
            Ok(larger) if kept.len() < 1000 => kept.push(larger),
            Ok(_) => break None,
            Err(error) => break Some(error),
        }
    };
    info!("kept {} pictures of 12 MB: {}", kept.len(), told(refused));
    drop(kept);
    info!("one more {}", frame.resize(2000, 2000).is_ok());

    let mut videos = Vec::new();
    let refused = loop {
        // The first frame is decoded, so that its process is there.
        let started = item.iterate_video().and_then(|mut video| {
            video.next().transpose()?;
            Ok(video)
        });
        match started {
            Ok(video) if videos.len() < 100 => videos.push(video),
            Ok(_) => break None,
            Err(error) => break Some(error),
        }
    };
    info!("decoded {} videos at once: {}", videos.len(), told(refused));
    drop(videos);
    info!("one more {}", item.iterate_video().is_ok());
    Ok(())
}

fn told(refused: Option<Error>) -> String {
    refused.map_or_else(|| "NOT REFUSED".to_owned(), |error| error.to_string())
}
