// Package byhand opens the records of the engine as somebody would who needs
// this one thing, and knows that all is well: the same reads, the same
// unwraps and decrypts, by raw Tink and from the documented formats alone. It
// checks no name, no form, no age and no double. The engine is measured beside
// it.
package byhand
