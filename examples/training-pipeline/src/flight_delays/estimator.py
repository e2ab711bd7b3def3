"""The untrained estimator; its hyperparameters have the same names in every framework."""

from sklearn.ensemble import HistGradientBoostingClassifier as Estimator

from .features import CATEGORIES


def estimator(*, learning_rate: float, max_iter: int, max_leaf_nodes: int) -> Estimator:
    """Return gradient-boosted trees.

    Args:
        learning_rate: weight of each tree.
        max_iter: number of trees.
        max_leaf_nodes: of each tree.
    """
    return Estimator(
        learning_rate=learning_rate,
        max_iter=max_iter,
        max_leaf_nodes=max_leaf_nodes,
        categorical_features=list(range(len(CATEGORIES))),
        random_state=0,
    )
