"""What this machine, this installation and this project have, and what is missing: `ccfpse doctor`.

`examine` looks at all of it and changes nothing; that something is missing is a finding, never an error.
"""

from ccfpse.doctor.examination import Examination, examine

__all__ = ["Examination", "examine"]
