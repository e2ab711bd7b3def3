"""The untrained estimator; its hyperparameters have the same names in every framework."""

{% if cookiecutter.framework == 'scikit-learn' -%}
{% if cookiecutter.problem_type == 'binary-classification' -%}
from sklearn.ensemble import HistGradientBoostingClassifier as Estimator
{%- else -%}
from sklearn.ensemble import HistGradientBoostingRegressor as Estimator
{%- endif %}

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
{% else -%}
{% if cookiecutter.problem_type == 'binary-classification' -%}
from xgboost import XGBClassifier as Estimator
{%- else -%}
from xgboost import XGBRegressor as Estimator
{%- endif %}

from .features import CATEGORIES, NUMBERS


def estimator(*, learning_rate: float, max_iter: int, max_leaf_nodes: int) -> Estimator:
    """Return gradient-boosted trees.

    Args:
        learning_rate: weight of each tree.
        max_iter: number of trees.
        max_leaf_nodes: of each tree.
    """
    return Estimator(
        learning_rate=learning_rate,
        n_estimators=max_iter,
        max_leaves=max_leaf_nodes,
        # Leaf by leaf, as deep as it takes: otherwise a depth of 6 limits the leaves.
        grow_policy="lossguide",
        max_depth=0,
        min_child_weight=5,
        tree_method="hist",
        enable_categorical=True,
        feature_types=["c"] * len(CATEGORIES) + ["float"] * len(NUMBERS),
        random_state=0,
    )
{% endif -%}
