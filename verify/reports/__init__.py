"""Reports of a check for other tools: JUnit XML, SARIF 2.1.0, annotations and a summary on GitHub.

===================  =======================================================================
`rows`               one row for each question, with the lines of the spec file it is about
`junit`, `sarif`     files that continuous integration reads
`github`             workflow commands within the service's limits, and the step summary
===================  =======================================================================
"""
