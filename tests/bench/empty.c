/* empty.c - a library that does nothing: what preloading costs by itself. */
extern const int empty_nothing;
const int empty_nothing = 0;
