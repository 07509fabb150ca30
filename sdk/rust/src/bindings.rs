//! What `wit-bindgen` makes of `wit/`. The crate's root re-exports what authors need by friendlier
//! paths, so that no name in here is theirs to write.

#![allow(missing_docs, unreachable_pub)] // Generated; the documentation comes from the WIT files.
#![allow(unsafe_code)] // The canonical ABI is spoken in raw pointers, all of it generated.

wit_bindgen::generate!({
    path: "../../wit",
    world: "everything",
    // Hand-written, so that its text is a sentence rather than the name of a variant.
    with: { "runner:stage/types@0.1.2/error": crate::errors::Error },
    additional_derives: [Clone, PartialEq],
    // It owns a resource.
    additional_derives_ignore: ["given"],
    pub_export_macro: false,
    default_bindings_module: "crate::bindings",
});

use crate::plugin::Plugin;

export!(Plugin with_types_in crate::bindings);
