"""The toolkit as estimators of scikit-learn: networks that are fitted by training whose every step is proved."""

from verify.sklearn.certificate import TrainingCertificate
from verify.sklearn.estimators import CertifiedMLPClassifier, CertifiedMLPRegressor

__all__ = ["CertifiedMLPClassifier", "CertifiedMLPRegressor", "TrainingCertificate"]
