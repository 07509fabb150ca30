//! The last requests of a bundle: priorities, then the moves.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::outcome::{Committed, Step, refused};
use super::{States, check};
use crate::encord::{Client, ErrorKind};
use crate::runner::outage::is_for_now;

pub(super) async fn set_priorities(client: &Client, project: Uuid, states: &mut States) {
    // Encord keys priorities by data unit; of several tasks on one, the last decision counts.
    let mut priorities: HashMap<Uuid, f64> = HashMap::new();
    for (entry, committed) in states.iter() {
        if let (Some(priority), None) = (entry.priority, committed) {
            priorities.insert(entry.data_hash, priority);
        }
    }
    if priorities.is_empty() {
        return;
    }
    let priorities: Vec<(Uuid, f64)> = priorities.into_iter().collect();
    let set = client.set_priorities_each(project, &priorities).await;
    for ((data_hash, _), set) in priorities.iter().zip(set) {
        let Err(error) = set else { continue };
        for (entry, committed) in states.iter_mut() {
            if entry.data_hash == *data_hash && entry.priority.is_some() && committed.is_none() {
                *committed = Some(refused(Step::Priority, entry, &error));
            }
        }
    }
}

pub(super) async fn follow_pathways(
    client: &Client,
    project: Uuid,
    stage: Uuid,
    states: &mut States,
) {
    let mut moves = Vec::new();
    let mut data_hashes = Vec::new();
    let mut at = Vec::new();
    for (position, (entry, committed)) in states.iter().enumerate() {
        if let (Some(pathway), None) = (entry.pathway, committed) {
            moves.push((entry.task, pathway));
            data_hashes.push(entry.data_hash);
            at.push(position);
        }
    }
    let error = match client.follow_pathways(project, stage, &moves).await {
        Ok(()) => return,
        Err(error) => error,
    };
    if is_for_now(&error) {
        for position in at {
            let (entry, committed) = &mut states[position];
            *committed = Some(refused(Step::Move, entry, &error));
        }
        return;
    }
    // All tasks of a bundle move, or none. If its answer was lost, its repeat is refused although it was carried out;
    // one listing tells that sooner than asking for each task.
    let mut in_doubt = error.may_have_been_applied();
    if in_doubt {
        let asked: HashSet<Uuid> = moves.iter().map(|(task, _)| *task).collect();
        match check::waiting(client, project, stage, data_hashes).await {
            Ok(waiting) if waiting.is_disjoint(&asked) => return,
            Ok(_) => in_doubt = false,
            Err(error) => tracing::debug!(%error, "each task is asked for"),
        }
    }
    let moved = client.follow_pathways_each(project, stage, &moves).await;
    let mut gone = Vec::new();
    for (position, moved) in at.into_iter().zip(moved) {
        match moved {
            Err(error) if error.kind() == ErrorKind::TaskGone => gone.push((position, error)),
            Err(error) => {
                let (entry, committed) = &mut states[position];
                let mut refused = refused(Step::Move, entry, &error);
                refused.may_have_moved_before(in_doubt);
                *committed = Some(refused);
            }
            Ok(()) => {}
        }
    }
    if gone.is_empty() {
        return;
    }
    // Encord answers the same to a move that cannot be, for example along a pathway that is no more.
    let hashes = gone.iter().map(|(at, _)| states[*at].0.data_hash).collect();
    let waiting = check::waiting(client, project, stage, hashes).await;
    for (position, error) in gone {
        let (entry, committed) = &mut states[position];
        let ours = in_doubt || error.may_have_been_applied();
        *committed = match &waiting {
            Ok(waiting) if waiting.contains(&entry.task) => Some(Committed::Refused {
                message: format!("{} was refused: {error}", Step::Move.doing()),
                may_pass: false,
                begun: entry.begun,
            }),
            // An earlier try of the same request had got through, and only its answer was lost.
            _ if ours => None,
            Ok(_) => Some(Committed::Gone),
            // The move was answered; what failed is the listing.
            Err(error) => Some(refused(Step::Look, entry, error)),
        };
    }
}
