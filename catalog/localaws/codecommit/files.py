"""Operations on commits, files and folders."""

from __future__ import annotations

from typing import Any

from catalog.localaws.codecommit.repositories import bad_token
from catalog.localaws.codecommit.state import CodeCommitBase, StoredRepository
from catalog.localaws.core.service import Call, Principal, ServiceError, paginate
from catalog.localaws.git.editing import EMPTY_TREE, edit_tree, write_blob
from catalog.localaws.git.repository import NULL, GitError, Signature, TreeEntry

MODES = {"NORMAL": "100644", "EXECUTABLE": "100755", "SYMLINK": "120000"}
_NAMES = {mode: name for name, mode in MODES.items()}
_DIFFERENCES_PAGE = 100
# GetFile and PutFile: 6 MB, from "Quotas in AWS CodeCommit".
_FILE_LIMIT = 6 * 1024 * 1024


def author_of(params: dict[str, Any], principal: Principal, *, name: str) -> Signature:
    """Return who a commit made through the API is by.

    Args:
        params: the operation's input.
        principal: the caller, whose name stands in for a missing one.
        name: the parameter that holds the author's name.
    """
    return Signature(
        name=params.get(name) or principal.arn.rsplit(":", 1)[-1].rsplit("/", 1)[-1],
        email=params.get("email", ""),
    )


class FileOperations(CodeCommitBase):
    """GetFile, CreateCommit and their kin."""

    def get_commit(self, call: Call) -> dict[str, Any]:
        """Return a commit object by its id."""
        stored = self.stored(call)
        wanted = call.params["commitId"]
        found = stored.git.commit_id(wanted)
        if found is None:
            raise ServiceError(
                "CommitIdDoesNotExistException", f"The commit ID {wanted} does not exist"
            )
        commit = stored.git.commit(found)
        return {
            "commit": {
                "commitId": commit.id,
                "treeId": commit.tree,
                "parents": list(commit.parents),
                "message": commit.message,
                "author": _user(commit.author),
                "committer": _user(commit.committer),
                "additionalData": "",
            }
        }

    def get_blob(self, call: Call) -> dict[str, Any]:
        """Return a file's content by blob id."""
        blob = call.params["blobId"]
        try:
            return {"content": self.stored(call).git.blob(blob)}
        except GitError as error:
            raise ServiceError(
                "BlobIdDoesNotExistException", f"The blob ID {blob} does not exist"
            ) from error

    def get_file(self, call: Call) -> dict[str, Any]:
        """Return a file of a commit."""
        stored = self.stored(call)
        commit = self.commit_of(stored, call.params.get("commitSpecifier"))
        path = call.params["filePath"]
        entry = stored.git.entry(commit, path)
        if entry is None or entry.kind != "blob":
            raise ServiceError("FileDoesNotExistException", f"{path} does not exist")
        if entry.size > _FILE_LIMIT:
            raise ServiceError("FileTooLargeException", f"{path} is larger than 6 MB")
        return {
            "commitId": commit,
            "blobId": entry.id,
            "filePath": entry.path,
            "fileMode": _NAMES[entry.mode],
            "fileSize": entry.size,
            "fileContent": stored.git.blob(entry.id),
        }

    def get_folder(self, call: Call) -> dict[str, Any]:
        """Return what a folder of a commit holds."""
        stored = self.stored(call)
        commit = self.commit_of(stored, call.params.get("commitSpecifier"))
        path = call.params["folderPath"].strip("/")
        try:
            tree = stored.git.text("rev-parse", "--verify", "--quiet", f"{commit}:{path}")
            entries = stored.git.entries(commit, folder=path)
        except GitError as error:
            raise ServiceError("FolderDoesNotExistException", f"{path} does not exist") from error
        shown: dict[str, Any] = {
            "commitId": commit,
            "folderPath": path,
            "treeId": tree,
            "subFolders": [],
            "files": [],
            "symbolicLinks": [],
            "subModules": [],
        }
        for entry in entries:
            kind, item = _folder_item(entry)
            shown[kind].append(item)
        return shown

    def get_differences(self, call: Call) -> dict[str, Any]:
        """Return what differs between two commits, a page at a time."""
        stored = self.stored(call)
        after = self.commit_of(stored, call.params["afterCommitSpecifier"])
        given = call.params.get("beforeCommitSpecifier")
        before = self.commit_of(stored, given) if given else EMPTY_TREE
        paths = [p for p in (call.params.get("beforePath"), call.params.get("afterPath")) if p]
        listed = stored.git.git(
            "diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", before, after, "--", *paths
        )
        fields = listed.decode("utf-8", "replace").split("\0")
        differences = [
            _difference(head, path) for head, path in zip(fields[::2], fields[1::2], strict=False)
        ]
        page, token = paginate(
            differences,
            token=call.params.get("NextToken"),
            size=call.params.get("MaxResults"),
            default=_DIFFERENCES_PAGE,
            error=bad_token,
        )
        return {"differences": page, **({"NextToken": token} if token else {})}

    def create_commit(self, call: Call) -> dict[str, Any]:
        """Commit changes to files on a branch."""
        stored = self.stored(call)
        params = call.params
        parent = self._parent(stored, params)
        before = {e.path: e for e in stored.git.entries(parent, recursive=True)} if parent else {}
        entries: dict[str, tuple[str, str] | None] = {}
        for item in params.get("putFiles", []):
            path, mode = item["filePath"], MODES[item.get("fileMode", "NORMAL")]
            blob = self._content(stored, item, before, entries)
            entries[path] = (mode, blob)
        for item in params.get("deleteFiles", []):
            if item["filePath"] not in before:
                raise ServiceError(
                    "FileDoesNotExistException", f"{item['filePath']} does not exist"
                )
            entries[item["filePath"]] = None
        for item in params.get("setFileModes", []):
            path = item["filePath"]
            if path not in before:
                raise ServiceError("FileDoesNotExistException", f"{path} does not exist")
            entries[path] = (MODES[item["fileMode"]], before[path].id)
        commit, tree = self._commit(
            stored,
            call,
            parent=parent,
            entries=entries,
            message=params.get("commitMessage", ""),
            author=author_of(params, call.principal, name="authorName"),
        )
        return {"commitId": commit, "treeId": tree, **_touched(entries, before)}

    def put_file(self, call: Call) -> dict[str, Any]:
        """Commit one file on a branch."""
        stored = self.stored(call)
        params = call.params
        parent = self._parent(stored, params)
        path = params["filePath"]
        blob = write_blob(stored.git, _limited(params["fileContent"], path))
        mode = MODES[params.get("fileMode", "NORMAL")]
        present = stored.git.entry(parent, path) if parent else None
        if present and (present.mode, present.id) == (mode, blob):
            raise ServiceError(
                "SameFileContentException", f"The content of {path} is what it was before"
            )
        commit, tree = self._commit(
            stored,
            call,
            parent=parent,
            entries={path: (mode, blob)},
            message=params.get("commitMessage", ""),
            author=author_of(params, call.principal, name="name"),
        )
        return {"commitId": commit, "blobId": blob, "treeId": tree}

    def _content(
        self,
        stored: StoredRepository,
        item: dict[str, Any],
        before: dict[str, TreeEntry],
        entries: dict[str, tuple[str, str] | None],
    ) -> str:
        path = item["filePath"]
        if "sourceFile" not in item:
            return write_blob(stored.git, _limited(item.get("fileContent", b""), path))
        source = item["sourceFile"]["filePath"]
        if source not in before:
            raise ServiceError("FileDoesNotExistException", f"{source} does not exist")
        if item["sourceFile"].get("isMove"):
            entries[source] = None
        return before[source].id

    def _parent(self, stored: StoredRepository, params: dict[str, Any]) -> str | None:
        """Return the commit to build on; None for the first commit of an empty repository."""
        branches = stored.git.branches()
        tip = branches.get(params["branchName"].removeprefix("refs/heads/"))
        given: str | None = params.get("parentCommitId")
        if tip is None:
            if branches:
                raise ServiceError(
                    "BranchDoesNotExistException", f"Branch {params['branchName']} does not exist"
                )
            return None
        if given is None:
            raise ServiceError(
                "ParentCommitIdRequiredException",
                "A parent commit ID is required for a branch that has commits",
            )
        if given != tip:
            raise ServiceError(
                "ParentCommitIdOutdatedException",
                f"The parent commit ID {given} is not the tip of the branch",
            )
        return tip

    def _commit(
        self,
        stored: StoredRepository,
        call: Call,
        *,
        parent: str | None,
        entries: dict[str, tuple[str, str] | None],
        message: str,
        author: Signature,
    ) -> tuple[str, str]:
        tree = edit_tree(stored.git, parent=parent, entries=entries)
        if tree == (stored.git.commit(parent).tree if parent else EMPTY_TREE):
            raise ServiceError("NoChangeException", "The commit would change nothing")
        commit = stored.git.commit_tree(
            tree, parents=(parent,) if parent else (), message=message, author=author
        )
        self.move(
            stored,
            branch=call.params["branchName"],
            new=commit,
            old=parent or NULL,
            principal=call.principal,
            moved=lambda: ServiceError(
                "ParentCommitIdOutdatedException",
                "The branch has moved: the parent commit ID is not its tip any more",
            ),
        )
        return commit, tree


def _limited(content: bytes, path: str) -> bytes:
    if len(content) > _FILE_LIMIT:
        raise ServiceError("FileContentSizeLimitExceededException", f"{path} is larger than 6 MB")
    return content


def _user(signature: Signature) -> dict[str, str]:
    return {"name": signature.name, "email": signature.email, "date": signature.date}


def _folder_item(entry: TreeEntry) -> tuple[str, dict[str, Any]]:
    place = {"absolutePath": entry.path, "relativePath": entry.path.rsplit("/", 1)[-1]}
    if entry.kind == "tree":
        return "subFolders", {"treeId": entry.id, **place}
    if entry.kind == "commit":
        return "subModules", {"commitId": entry.id, **place}
    item = {"blobId": entry.id, "fileMode": _NAMES[entry.mode], **place}
    return ("symbolicLinks" if entry.mode == MODES["SYMLINK"] else "files"), item


def _difference(head: str, path: str) -> dict[str, Any]:
    old_mode, new_mode, old, new, kind = head.removeprefix(":").split()
    change = {"T": "M"}.get(kind[0], kind[0])
    shown: dict[str, Any] = {"changeType": change}
    if change != "A":
        shown["beforeBlob"] = {"blobId": old, "path": path, "mode": old_mode}
    if change != "D":
        shown["afterBlob"] = {"blobId": new, "path": path, "mode": new_mode}
    return shown


def _touched(
    entries: dict[str, tuple[str, str] | None], before: dict[str, TreeEntry]
) -> dict[str, list[dict[str, str]]]:
    shown: dict[str, list[dict[str, str]]] = {
        "filesAdded": [],
        "filesUpdated": [],
        "filesDeleted": [],
    }
    for path, entry in entries.items():
        if entry is None:
            shown["filesDeleted"].append({"absolutePath": path, "blobId": before[path].id})
            continue
        item = {"absolutePath": path, "blobId": entry[1], "fileMode": _NAMES[entry[0]]}
        shown["filesUpdated" if path in before else "filesAdded"].append(item)
    return shown
