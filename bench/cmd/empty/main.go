// Command empty does nothing: what is left is what the system takes to start a
// program.
package main

func main() {}
