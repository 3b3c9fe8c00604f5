"""The page of a report: one HTML file without scripts and without references to anything outside it.

===================  ================================================================================================
`view`               the data that the template shows
`words`, `duties`    the answer in sentences, the three duties
`annex`              objectives of published guidance; commands for auditors
`glossary`           symbols and verdicts, and their tooltips
`svg`, `charts`      drawing, and charts of lines
`folding`,           a network's vertices grouped until they fit, and drawn
`network`
`plane`, `bars`,     the settings that theorems admit; the curvature and its shares; a run
`run_charts`
`render`             ``report.html`` and ``style.css`` filled in
===================  ================================================================================================

Charts are SVG elements of the page, not pictures of a plotting library: so they take the colours of the reader's light
or dark screen, their parts are links with names that a keyboard and a screen reader meet, and no script is needed,
which the page's policy forbids.
"""
