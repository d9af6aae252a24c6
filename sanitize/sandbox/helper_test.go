package sandbox

// A helper is this test binary started as a second parent: under another
// user, behind a filter, or to be killed.

const helperEnv = "SEKISHO_TEST_HELPER"

func helperMain(verb string) int { return 1 }
