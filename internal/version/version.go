// Package version tells which build of tinyv is running.
package version

import (
	"runtime/debug"
	"strings"
)

// Release is the version in development. It changes with each release.
const Release = "0.1.0-dev"

// String returns the release, with the commit where the build knows it.
func String() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Release
	}
	var commit string
	dirty := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if commit == "" {
		return Release
	}
	parts := []string{Release, commit}
	if dirty {
		parts = append(parts, "modified")
	}
	return strings.Join(parts, "+")
}
