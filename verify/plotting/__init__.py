"""Pictures, drawn by matplotlib: for files, and for the page of a report.

=============  ========================================================================================
`library`      matplotlib itself: whether it is there, our settings of it, files in its formats
`style`        colours and dashes, one kind for each meaning
`series`       lines of a chart whose numbers may be missing or of any size
`ranges`       the settings that theorems admit, and the setting asked
`step`         the settings that one step admits
`curvature`    L between its attack and its bound, and the vertices' shares of it
`run`          a training run: error, proved decrease, step sizes, weights against their region
=============  ========================================================================================
"""
