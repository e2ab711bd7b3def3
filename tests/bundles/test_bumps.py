"""A changed template needs a new version, and every version an entry in the change log."""

from __future__ import annotations

from tiny_catalogs import commit_all, git, template_files, write_tree

from catalog.bundles.bumps import check_versions
from catalog.manifest.load import load_template


def problems(root):
    names = [path.parent.name for path in root.glob("templates/*/template.yml")]
    templates = {n: load_template(path=root / "templates" / n / "template.yml") for n in names}
    return [str(problem) for problem in check_versions(root=root, templates=templates)]


def test_a_change_since_the_last_tag_needs_a_bump_in_that_template_only(tmp_path):
    root = write_tree(tmp_path, {**template_files("one"), **template_files("two")})
    commit_all(root, tag="v1.0.0")
    assert problems(root) == []
    (root / "templates/one/product.py").write_text("# changed\n")
    git(root, "commit", "--quiet", "--all", "--message", "Change")
    (found,) = problems(root)
    assert "one has changed since v1.0.0 but is still version 0.1.0" in found
    assert "templates/one/product.py" in found
    write_tree(root, template_files("one", version="0.2.0"))
    assert problems(root) == []


def test_a_version_without_an_entry_in_the_change_log_is_refused(tmp_path):
    root = write_tree(tmp_path, template_files("one"))
    commit_all(root)
    assert problems(root) == []
    (root / "templates/one/CHANGELOG.md").write_text("# Changelog\n\n## 0.1.00\n")
    (found,) = problems(root)
    assert "no entry for version 0.1.0" in found
