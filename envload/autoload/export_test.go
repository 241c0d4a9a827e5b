package autoload

// Explain is what a failure is told with.
var Explain = explain
