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

/// Reads; a repeat changes nothing.
pub(super) static GET_STORAGE_ITEMS: Operation = Operation {
    name: "get-storage-items",
    doing: "read the storage items",
    repeat: Repeat::Always,
};

/// Sends nothing.
pub(super) static SET_UP: Operation = Operation {
    name: "set-up",
    doing: "set up the connection",
    repeat: Repeat::Always,
};
