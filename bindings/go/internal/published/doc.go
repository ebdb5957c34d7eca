// Package published has the tests of what a user of a published copy gets: a module that `go get` takes, a library that
// pkg-config finds, and the programs of README.
package published
