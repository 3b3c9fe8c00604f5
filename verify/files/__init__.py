"""Every file that the toolkit reads or writes is opened here.

=================  ==================================================================================================
`reading`          inputs: kind and size are known before the first byte is read
`writing`          outputs: files that are new or ours, replaced at once, never an input, never through a link
`growing`          outputs that grow line by line, held by one process
`folders`          files in a folder that is held open, as a training run has
`kinds`            which inputs there are and how large each may be; which outputs, and how ours are recognised
=================  ==================================================================================================
"""
