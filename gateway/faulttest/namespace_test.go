package faulttest

func inNamespace() {}
