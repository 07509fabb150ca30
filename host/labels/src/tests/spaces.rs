//! Objects in the spaces of data groups, scenes and images with layers.
