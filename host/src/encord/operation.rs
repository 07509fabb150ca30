//! What the client can ask of Encord, and which of it may be asked twice.

/// One kind of request.
#[derive(Debug)]
pub(super) struct Operation {
    /// Its name in traces.
    pub(super) name: &'static str,
    /// What goes on in it, to stand after "cannot".
    pub(super) doing: &'static str,
    /// Whether sending it twice does no more than sending it once.
    pub(super) repeat: Repeat,
}

/// What the client does if it cannot know whether Encord carried the request out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Sends it again: twice leaves the same state as once.
    Always,
    /// Gives up: a repeat is sent only if the request cannot have been carried out (no connection, or
    /// turned away by the rate limit).
    IfNotCarriedOut,
}

/// Reads; a repeat changes nothing.
pub(super) static GET_PROJECT: Operation = Operation {
    name: "get-project",
    doing: "read the project",
    repeat: Repeat::Always,
};

/// Reads; a repeat changes nothing.
pub(super) static GET_ONTOLOGY: Operation = Operation {
    name: "get-ontology",
    doing: "read the ontology",
    repeat: Repeat::Always,
};

/// Reads; a repeat changes nothing.
pub(super) static LIST_TASKS: Operation = Operation {
    name: "list-tasks",
    doing: "list the tasks of the stage",
    repeat: Repeat::Always,
};

/// Reads; a repeat changes nothing.
pub(super) static LIST_LABEL_ROWS: Operation = Operation {
    name: "list-label-rows",
    doing: "list the label rows",
    repeat: Repeat::Always,
};

/// Makes rows. Nothing is known of what a second creation does to a row that exists, and Encord's own SDK
/// does not repeat it. The caller lists the rows again, and then reads those that were made after all.
pub(super) static CREATE_LABEL_ROWS: Operation = Operation {
    name: "create-label-rows",
    doing: "create the label rows",
    repeat: Repeat::IfNotCarriedOut,
};

/// Reads; a repeat changes nothing.
pub(super) static READ_LABEL_ROWS: Operation = Operation {
    name: "read-label-rows",
    doing: "read the label rows",
    repeat: Repeat::Always,
};

/// Reads; but what it has written so far would be there twice.
pub(super) static READ_FILE: Operation = Operation {
    name: "read-file",
    doing: "read the file of the data unit",
    repeat: Repeat::IfNotCarriedOut,
};

/// Overwrites whole rows with what the request holds, so a repeat writes the same again.
pub(super) static SAVE_LABEL_ROWS: Operation = Operation {
    name: "save-label-rows",
    doing: "save the label rows",
    repeat: Repeat::Always,
};

/// Sets priorities to what the request holds, so a repeat sets the same again.
pub(super) static SET_PRIORITIES: Operation = Operation {
    name: "set-priorities",
    doing: "set the priorities",
    repeat: Repeat::Always,
};

/// A task leaves a stage once: the repeat of a request that was carried out is refused as a whole, never
/// done again. Such a refusal is marked, see `Error::may_have_been_applied`.
pub(super) static FOLLOW_PATHWAYS: Operation = Operation {
    name: "follow-pathways",
    doing: "move the task along its pathway",
    repeat: Repeat::Always,
};

/// For all actions but releasing. One that moves a task on is refused the second time, as with
/// [`FOLLOW_PATHWAYS`]; assigning gives the task to the same person again.
pub(super) static ACT_ON_TASKS: Operation = Operation {
    name: "act-on-tasks",
    doing: "act on the task",
    repeat: Repeat::Always,
};

/// Takes tasks from whom they are assigned to. Someone may take one right after, and a repeat would take it
/// from them.
pub(super) static RELEASE_TASKS: Operation = Operation {
    name: "release-tasks",
    doing: "release the task",
    repeat: Repeat::IfNotCarriedOut,
};

/// A task leaves a stage once: the repeat of a request that was carried out finds it gone. Such a refusal is
/// marked, see `Error::may_have_been_applied`.
pub(super) static MOVE_TASKS: Operation = Operation {
    name: "move-tasks",
    doing: "move the task to another stage",
    repeat: Repeat::Always,
};

/// Takes a task from wherever it is. If it was carried out and the task reopened since, a repeat would
/// complete it against that decision. Encord's own SDK does not repeat it either.
pub(super) static COMPLETE_LABEL_ROWS: Operation = Operation {
    name: "complete-label-rows",
    doing: "complete the label rows",
    repeat: Repeat::IfNotCarriedOut,
};

/// Takes a task from wherever it is. If it was carried out and an agent moved the task on since, a repeat
/// would send it back once more. Encord's own SDK does not repeat it either.
pub(super) static REOPEN_LABEL_ROWS: Operation = Operation {
    name: "reopen-label-rows",
    doing: "reopen the label rows",
    repeat: Repeat::IfNotCarriedOut,
};

/// Reads; a repeat changes nothing.
pub(super) static GET_VALIDATION_STATE: Operation = Operation {
    name: "get-validation-state",
    doing: "read what is wrong with the label row",
    repeat: Repeat::Always,
};

/// Reads, although it is a POST; a repeat changes nothing.
pub(super) static READ_CLASSIFICATIONS: Operation = Operation {
    name: "read-classifications",
    doing: "read the classifications",
    repeat: Repeat::Always,
};

/// Reads; a repeat changes nothing.
pub(super) static LIST_BRANCHES: Operation = Operation {
    name: "list-branches",
    doing: "list the branches of the project",
    repeat: Repeat::Always,
};

/// Reads; a repeat changes nothing.
pub(super) static LIST_DATASETS: Operation = Operation {
    name: "list-datasets",
    doing: "list the datasets of the project",
    repeat: Repeat::Always,
};

/// Reads; a repeat changes nothing.
pub(super) static LIST_ISSUES: Operation = Operation {
    name: "list-issues",
    doing: "list the issues of the data unit",
    repeat: Repeat::Always,
};

/// Each request makes issues of its own: a repeat would make them twice.
pub(super) static CREATE_ISSUES: Operation = Operation {
    name: "create-issues",
    doing: "create the issues",
    repeat: Repeat::IfNotCarriedOut,
};

/// What is deleted cannot be deleted again, and nothing takes its identifier: a repeat does nothing, or is
/// refused. Such a refusal is marked, see `Error::may_have_been_applied`.
pub(super) static DELETE_ISSUES: Operation = Operation {
    name: "delete-issues",
    doing: "delete the issues",
    repeat: Repeat::Always,
};

/// Reads; a repeat changes nothing.
pub(super) static GET_STORAGE_ITEM: Operation = Operation {
    name: "get-storage-item",
    doing: "read the storage item",
    repeat: Repeat::Always,
};

/// Reads; a repeat changes nothing.
pub(super) static LIST_CHILD_ITEMS: Operation = Operation {
    name: "list-child-items",
    doing: "list the child items",
    repeat: Repeat::Always,
};

/// A PATCH, of which HTTP promises nothing; this one sets fields to the values that it holds (merged into the
/// metadata or in place of it), so a repeat sets the same again. What it could undo is a change that someone
/// made within the seconds between, and that change could as well have come a moment before the first.
pub(super) static UPDATE_STORAGE_ITEM: Operation = Operation {
    name: "update-storage-item",
    doing: "update the storage item",
    repeat: Repeat::Always,
};

/// The same for many items at once: each is set to the values that the request holds for it. Should the
/// first request have been carried out in part, the repeat does the rest.
pub(super) static UPDATE_STORAGE_ITEMS: Operation = Operation {
    name: "update-storage-items",
    doing: "update the storage items",
    repeat: Repeat::Always,
};

/// Reads; a repeat changes nothing.
pub(super) static GET_STORAGE_ITEMS: Operation = Operation {
    name: "get-storage-items",
    doing: "read the storage items",
    repeat: Repeat::Always,
};

/// A call that was made from outside, and of which it is known that a repeat leaves the same state.
pub(super) static CALL: Operation = Operation {
    name: "call",
    doing: "carry out the call of Encord's API",
    repeat: Repeat::Always,
};

/// A call that was made from outside, and of which nothing is known.
pub(super) static CALL_ONCE: Operation = Operation {
    name: "call-once",
    doing: "carry out the call of Encord's API",
    repeat: Repeat::IfNotCarriedOut,
};

/// Sends nothing.
pub(super) static SET_UP: Operation = Operation {
    name: "set-up",
    doing: "set up the connection",
    repeat: Repeat::Always,
};
