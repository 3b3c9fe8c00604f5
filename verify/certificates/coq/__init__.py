"""Proof-carrying steps: a step certificate as a Coq file, and what Coq says about it.

The file is written from the certificate as the independent checker reads it; nothing of the prover stands behind it.
"""

from verify.certificates.coq.compiler import Compilation, compile_proof
from verify.certificates.coq.proof_file import check_file_name, export_step

__all__ = ["Compilation", "check_file_name", "compile_proof", "export_step"]
