//! Ends as the title of the data unit says: each way in which an attempt can end.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn outcomes(task: AgentTask, stage: AgentStage, context: &Context) -> Result<Option<String>> {
    let title = task.data_title();
    let title = title.split('.').next().unwrap_or_default();
    match title.trim_end_matches(|character: char| character.is_ascii_digit() || character == '-') {
        "next" => Ok(Some("Next".to_owned())),
        "other" => Ok(Some(stage.pathways()[1].uuid.clone())),
        "stay" => Ok(None),
        "unknown" => Ok(Some("Nowhere".to_owned())),
        "retry" if context.attempt() < 2 => {
            Err(AgentError::retry(format!("attempt {}", context.attempt())))
        }
        "retry" => Ok(Some("Next".to_owned())),
        "never" => Err(AgentError::retry("never works")),
        "fatal" => Err(AgentError::fatal("this picture cannot be used")),
        "panic" => broken(title),
        "spin" => loop {
            std::hint::black_box(0);
        },
        "hog" => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![1; 1 << 20]);
                std::hint::black_box(&hoard);
            }
        }
        "chatter" => {
            for line in 0..100_000 {
                println!("line {line}");
            }
            Ok(Some("Next".to_owned()))
        }
        "flood" => Ok(Some("x".repeat(64 << 20))),
        "print" => {
            println!("to standard output");
            eprintln!("to standard error");
            warn!("to the log");
            let clock = std::time::SystemTime::now();
            let open = std::fs::read_dir("/").is_ok() || std::fs::File::open("/etc/passwd").is_ok();
            let variables = std::env::vars().count() + std::env::args().count();
            let network = std::net::TcpStream::connect("127.0.0.1:1").is_ok();
            let still = clock == std::time::SystemTime::now();
            println!(
                "files {open}, variables {variables}, network {network}, clock stands still {still}"
            );
            Ok(Some("Next".to_owned()))
        }
        other => Err(AgentError::fatal(format!(
            "no behaviour is called \"{other}\""
        ))),
    }
}

/// Its name is looked for in the backtrace.
#[inline(never)]
fn broken(title: &str) -> ! {
    panic!("nothing can be done about {title}")
}
