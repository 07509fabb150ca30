use super::{InitOptions, LocalError, Scratch, bitmap, init, names_in};
use crate::local::Workspace;
use crate::local::store::{TaskFilter, datasets, projects, recorded_items, tasks_at};

/// Title and task of each item at the first stage.
fn tasks(workspace: &Workspace) -> Vec<(String, String)> {
    let stage = workspace.projects()[0].stages[0].uuid.to_string();
    let find = |connection: &_| {
        let project = projects(connection, None)?[0].id;
        tasks_at(connection, project, &stage, &TaskFilter::default(), 100)
    };
    let tasks = workspace.store.read(find).expect("the state can be read");
    tasks
        .into_iter()
        .map(|task| (task.data_title, task.uuid))
        .collect()
}

#[test]
fn a_folder_of_media_becomes_a_project() {
    let scratch = Scratch::new();
    scratch.add_images(2);
    scratch.add("deep/er/note.txt", b"hello");
    scratch.add("deep/program.exe", b"");
    let report = scratch.init().expect("the media are fine");
    assert_eq!((report.created, report.added, report.kept), (true, 3, 0));
    assert_eq!(report.skipped.len(), 1);
    assert!(report.to_string().contains("program.exe"));
    let project = scratch.open().expect("it has been made");
    let made = &project.projects()[0];
    assert_eq!(
        (Some(made.hash), made.title.as_str()),
        (report.hash, "project")
    );
    let titles: Vec<_> = tasks(&project)
        .into_iter()
        .map(|(title, _)| title)
        .collect();
    assert_eq!(
        titles,
        ["deep/er/note.txt", "image_000.bmp", "image_001.bmp"]
    );
    let recorded = project
        .store
        .read(|connection| recorded_items(connection, &datasets(connection, None)?[0].hash))
        .expect("the state can be read");
    assert_eq!(recorded[1].0, "../media/image_000.bmp");
}

#[test]
fn a_second_time_continues() {
    let scratch = Scratch::new();
    scratch.add_images(2);
    let first = scratch.init().expect("the media are fine");
    let before = tasks(&scratch.open().expect("it has been made"));
    scratch.add("another.bmp", &bitmap(3, 4));
    scratch.edit_manifest(|text| {
        text + "\n[[workflow.stages]]\ntitle = \"Archive\"\ntype = \"complete\"\n"
    });
    let second = scratch.init().expect("the media are fine");
    assert_eq!(
        (second.created, second.reset, second.added, second.kept),
        (false, false, 1, 2)
    );
    assert_eq!(second.hash, first.hash);
    let project = scratch.open().expect("it has been made");
    let after = tasks(&project);
    // New media come behind what was there, although their names are before it.
    assert_eq!(after[..2], before[..]);
    assert_eq!(after[2].0, "another.bmp");
    assert!(
        project.projects()[0]
            .stages
            .iter()
            .any(|stage| stage.title == "Archive")
    );
}

#[test]
fn reset_starts_over_with_the_same_identifiers() {
    let scratch = Scratch::new();
    scratch.add_images(2);
    scratch.init().expect("the media are fine");
    let project = scratch.open().expect("it has been made");
    let before = tasks(&project);
    let end = project.projects()[0]
        .stages
        .last()
        .expect("there is an end")
        .uuid
        .to_string();
    let moved = project.store.write(|connection| {
        crate::local::store::place(connection, 1, &end, "COMPLETED", None, "somebody", 0)
    });
    moved.expect("the state can be written");
    assert_eq!(tasks(&project), before[1..]);
    assert!(
        matches!(scratch.reset(), Err(LocalError::InUse { .. })),
        "it is open"
    );
    drop(project);
    let report = scratch.reset().expect("nobody has it open");
    assert_eq!((report.reset, report.added), (true, 2));
    assert_eq!(tasks(&scratch.open().expect("it has been made")), before);
}

#[test]
fn a_refused_init_leaves_nothing() {
    let scratch = Scratch::new();
    let nothing = || assert!(!scratch.project().exists());
    assert!(matches!(
        init(&scratch.project(), InitOptions::default()),
        Err(LocalError::NoMedia { .. })
    ));
    nothing();
    assert!(matches!(
        scratch.init(),
        Err(LocalError::NothingRecognised { skipped: 0, .. })
    ));
    nothing();
    scratch.add("program.exe", b"");
    assert!(matches!(
        scratch.init(),
        Err(LocalError::NothingRecognised { skipped: 1, .. })
    ));
    nothing();
    scratch.add_images(1);
    scratch.add("one.png", b"not an image");
    scratch.add("two.jpg", b"");
    match scratch.init() {
        Err(LocalError::Media { problems }) => assert_eq!(problems.len(), 2, "all are reported"),
        other => panic!("expected both broken images, found {other:?}"),
    }
    nothing();
}

#[test]
fn what_cannot_be_opened_says_how_to_make_it() {
    let scratch = Scratch::new();
    let help = |expected: fn(&LocalError) -> bool| {
        let error = scratch.open().expect_err("it is not complete");
        assert!(expected(&error), "{error}");
        error.help().expect("there is something to do")
    };
    assert!(
        help(|error| matches!(error, LocalError::FolderMissing { .. }))
            .contains("runner-host init")
    );
    std::fs::create_dir(scratch.project()).expect("the folder is ours");
    assert!(
        help(|error| matches!(error, LocalError::ManifestMissing { .. }))
            .contains("runner-host init")
    );
    scratch.add_images(1);
    scratch.init().expect("the media are fine");
    std::fs::remove_file(scratch.project().join("state.sqlite")).expect("the folder is ours");
    assert!(
        help(|error| matches!(error, LocalError::StateMissing { .. })).contains("runner-host init")
    );
}

#[test]
fn a_manifest_that_does_not_fit_the_state_is_refused() {
    let scratch = Scratch::new();
    scratch.add_images(1);
    let report = scratch.init().expect("the media are fine");
    let written = std::fs::read_to_string(scratch.manifest()).expect("it has been made");
    scratch.write_manifest(&written.replace("\"Agent\"", "\"Robot\""));
    assert!(matches!(
        scratch.open(),
        Err(LocalError::StageGone { tasks: 1, .. })
    ));
    assert!(matches!(scratch.init(), Err(LocalError::StageGone { .. })));
    let other = "11111111-1111-4111-8111-111111111111";
    scratch.write_manifest(
        &written.replace(&report.hash.expect("it has a project").to_string(), other),
    );
    assert!(matches!(
        scratch.open(),
        Err(LocalError::OtherProject { .. })
    ));
    scratch.write_manifest(&written);
    assert!(scratch.open().is_ok());
}

#[test]
fn a_manifest_written_by_hand_keeps_the_hash_that_it_was_given() {
    let scratch = Scratch::new();
    scratch.add_images(1);
    let text = "[project]\ntitle = \"By hand\"\n[ontology]\n[[workflow.stages]]\ntitle = \"End\"\ntype = \"complete\"\n";
    scratch.write_manifest(text);
    let made = scratch.init().expect("the media are fine");
    assert_eq!(
        Some(scratch.open().expect("it has been made").projects()[0].hash),
        made.hash
    );
    assert_eq!(scratch.reset().expect("nobody has it open").hash, made.hash);
    assert_eq!(
        std::fs::read_to_string(scratch.manifest()).expect("it is there"),
        text,
        "it is not ours to edit"
    );
}

#[test]
fn the_project_itself_is_not_media() {
    let scratch = Scratch::new();
    let folder = scratch.media();
    scratch.add_images(1);
    let own = |media| {
        init(
            &folder,
            InitOptions {
                media,
                ..InitOptions::default()
            },
        )
    };
    own(vec![folder.clone()]).expect("the media are fine");
    let again = own(vec![folder.clone()]).expect("the media are fine");
    assert_eq!((again.added, again.kept, again.skipped.len()), (0, 1, 0));
    assert_eq!(
        names_in(&folder),
        [
            "image_000.bmp",
            "project.toml",
            "state.lock",
            "state.sqlite"
        ]
    );
}
