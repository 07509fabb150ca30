//! What `wasmtime` makes of `wit/`. Private to the engine: no other module sees these types.

#![allow(missing_docs, unreachable_pub)] // Generated; the documentation is in the WIT files.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "stage",
    imports: {
        // Only these may have to ask Encord.
        "runner:stage/context.[method]context.label-row": async | trappable,
        "runner:stage/context.[method]context.storage-item": async | trappable,
        "runner:stage/context.[method]context.twin-label-row": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "runner:stage/ontology.ontology": super::handles::OntologyHandle,
        "runner:stage/ontology.ontology-object": super::handles::OntologyObjectHandle,
        "runner:stage/ontology.ontology-classification": super::handles::OntologyClassificationHandle,
        "runner:stage/ontology.attribute": super::handles::AttributeHandle,
        "runner:stage/ontology.attribute-option": super::handles::AttributeOptionHandle,
        "runner:stage/workflow.project": super::handles::ProjectHandle,
        "runner:stage/workflow.agent-stage": super::handles::AgentStageHandle,
        "runner:stage/workflow.task": super::handles::TaskHandle,
        "runner:stage/storage.storage-item": super::handles::StorageItemHandle,
        "runner:stage/labels.label-row": super::handles::LabelRowHandle,
        "runner:stage/labels.data-unit": super::handles::DataUnitHandle,
        "runner:stage/labels.space": super::handles::SpaceHandle,
        "runner:stage/labels.object-instance": super::handles::ObjectInstanceHandle,
        "runner:stage/labels.classification-instance": super::handles::ClassificationInstanceHandle,
        "runner:stage/context.context": super::handles::ContextHandle,
        "runner:stage/declaration.declaration": super::handles::DeclarationHandle,
    },
});
