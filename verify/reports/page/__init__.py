"""The page of a report: one HTML file without scripts and without references to anything outside it.

===================  ================================================================================================
`view`               the data that the template shows
`words`, `duties`    the answer in sentences, the three duties
`annex`              objectives of published guidance; commands for auditors
`glossary`           symbols and verdicts, and their tooltips
`charts`,            the settings that theorems admit, the curvature and its shares; a run: drawn by matplotlib
`run_charts`         (`verify.plotting`)
`inline`             a figure of matplotlib as an element of the page
`folding`,           a network's vertices grouped until they fit, and drawn by `svg`
`network`
`render`             ``report.html`` and ``style.css`` filled in
===================  ================================================================================================

Every picture is an SVG element of the page: so it takes the colours of the reader's light or dark screen, a screen
reader finds its name and description, and no script is needed, which the page's policy forbids. The network is drawn
here and not by the library, because its vertices are links that lead to what is said of them, by keyboard, too.
"""
