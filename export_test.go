package secrets

// Privileged is the list that [CheckEnv] goes by.
var Privileged = privileged
