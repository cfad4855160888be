package page

import (
	"bytes"
	"fmt"
	"strings"
)

// Markdown is the report without its examples of errors: text of models is better
// kept out of a format in which everything is markup.
func Markdown(d Data) []byte {
	doc := describe(d.Result)
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Evaluation of %s\n\n", escape(doc.Verifier))
	if doc.Simulated {
		out.WriteString("**" + simulated + "**\n\n")
	}
	for _, in := range doc.Inputs {
		fmt.Fprintf(&out, "- benchmark %s, SHA-256 %s\n", escape(in.Name), in.SHA256)
	}
	fmt.Fprintf(&out, "\n%s\n\n", doc.Summary)
	for _, f := range doc.Headline {
		line := fmt.Sprintf("- **%s %s**", escape(f.Name), f.Value)
		if f.Interval != "" {
			line += " (" + f.Interval + ")"
		}
		fmt.Fprintf(&out, "%s %s\n", line, f.Meaning)
	}
	for _, s := range doc.Sections {
		fmt.Fprintf(&out, "\n## %s\n\n", s.Title)
		if s.Note != "" {
			fmt.Fprintf(&out, "%s\n\n", escape(s.Note))
		}
		line := make([]string, len(s.Head))
		for i, h := range s.Head {
			line[i] = escape(h)
		}
		fmt.Fprintf(&out, "| %s |\n|%s\n", strings.Join(line, " | "), strings.Repeat(" --- |", len(s.Head)))
		for _, row := range s.Rows {
			for i, c := range row {
				line[i] = escape(c.Text)
			}
			fmt.Fprintf(&out, "| %s |\n", strings.Join(line, " | "))
		}
	}
	return out.Bytes()
}

const simulated = "SIMULATED: rows or verdicts come from the simulated model server, and say nothing of real models."

// escape makes a text that is no markup, on one line.
func escape(s string) string {
	var out strings.Builder
	for _, r := range strings.Join(strings.Fields(s), " ") {
		if strings.ContainsRune("\\`*_{}[]<>|#&~!$", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}
