//! The syntax tree's spans from which the dataset chooses its holes.
