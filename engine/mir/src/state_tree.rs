//! What the state means: the tree of function instances behind the flat words.
