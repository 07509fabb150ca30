//! Projects: made, worked on as people and tools do, and deleted.

use runner_tests::TestProject;

use crate::peer::Peer;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_makes_a_project_works_on_it_and_deletes_it() {
    let folder = TestProject::of_everything();
    let peer = Peer::of_project(&folder).await;
    peer.scripts.run("work_on_projects.py", &[]).await;
}
