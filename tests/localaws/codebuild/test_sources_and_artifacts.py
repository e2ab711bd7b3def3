"""Where a build gets its files from, and where it puts them."""

from __future__ import annotations

import io
import zipfile

import pytest

BUCKET = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:PutObject"],
    "Resource": "arn:aws:s3:::seeds/*",
}
LIST = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::seeds"}
SPEC = "version: 0.2\nphases: {build: {commands: [cat file, ./run]}}\n"


@pytest.fixture
def seeds(lab):
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="seeds", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return s3


def archive(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name.replace("__", "."))
            entry.external_attr = (0o755 if name == "run" else 0o644) << 16
            made.writestr(entry, text)
    return buffer.getvalue()


def test_an_archive_in_s3_keeps_its_executable_files(lab, seeds):
    content = archive(file="seed\n", run="#!/bin/sh\necho ran\n", buildspec__yml=SPEC)
    seeds.put_object(Bucket="seeds", Key="a/seed.zip", Body=content)
    source = {"type": "S3", "location": "seeds/a/seed.zip"}
    build = lab.run(lab.project("", BUCKET, source=source))
    assert lab.output(build) == ["seed", "ran"]


def test_a_folder_in_s3(lab, seeds):
    for name, text in (("file", "one"), ("deep/er", "two")):
        seeds.put_object(Bucket="seeds", Key=f"tree/{name}", Body=text.encode())
    spec = "version: 0.2\nphases: {build: {commands: ['cat file deep/er']}}"
    source = {"type": "S3", "location": "seeds/tree/", "buildspec": spec}
    build = lab.run(lab.project("", BUCKET, LIST, source=source))
    assert build["buildStatus"] == "SUCCEEDED"
    assert "onetwo" in lab.log(build)


def test_a_source_that_the_role_may_not_read(lab, seeds, failure):
    seeds.put_object(Bucket="seeds", Key="seed.zip", Body=archive(file="x"))
    source = {"type": "S3", "location": "seeds/seed.zip"}
    phase, code, message = failure(lab.run(lab.project("", source=source)))
    assert (phase, code) == ("DOWNLOAD_SOURCE", "CLIENT_ERROR")
    assert message.startswith("AccessDenied: ")
    assert "s3:GetObject" in message
    assert message.endswith("for primary source and source version arn:aws:s3:::seeds/seed.zip")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no archive", "not a valid zip file"),
        (archive(**{"../out": "x"}), "not a valid zip file"),
        (archive(file="x"), "YAML file does not exist"),
        (archive(buildspec__yml="version: 0.1\nphases: {}"), "use version: 0.2"),
    ],
)
def test_sources_that_are_no_use(lab, seeds, failure, content, said):
    seeds.put_object(Bucket="seeds", Key="seed.zip", Body=content)
    source = {"type": "S3", "location": "seeds/seed.zip"}
    phase, _, message = failure(lab.run(lab.project("", BUCKET, source=source)))
    assert phase == "DOWNLOAD_SOURCE"
    assert said in message


def test_secondary_sources_and_an_override(lab, seeds):
    seeds.put_object(Bucket="seeds", Key="1.zip", Body=archive(file="first\n"))
    seeds.put_object(Bucket="seeds", Key="2.zip", Body=archive(file="second\n"))
    spec = (
        "version: 0.2\nphases: {build: {commands: [cat $CODEBUILD_SRC_DIR_extra/file, cat file]}}"
    )
    project = lab.project(
        spec,
        BUCKET,
        source={"type": "S3", "location": "seeds/none.zip", "buildspec": spec},
        secondarySources=[{"type": "S3", "location": "seeds/2.zip", "sourceIdentifier": "extra"}],
    )
    build = lab.run(project, sourceLocationOverride="seeds/1.zip")
    assert lab.output(build) == ["second", "first"]


def test_a_codecommit_source_at_a_version(lab):
    client = lab.client("codecommit")
    client.create_repository(repositoryName="code")
    here = {"repositoryName": "code", "branchName": "main"}
    first = client.put_file(**here, filePath="file", fileContent=b"1\n")["commitId"]
    client.put_file(**here, filePath="file", fileContent=b"2\n", parentCommitId=first)
    spec = (
        "version: 0.2\nphases: {build: {commands: "
        "[cat file, git rev-parse HEAD, echo $CODEBUILD_RESOLVED_SOURCE_VERSION]}}"
    )
    url = "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/code"
    pull = {
        "Effect": "Allow",
        "Action": "codecommit:GitPull",
        "Resource": "arn:aws:codecommit:eu-west-1:111111111111:code",
    }
    source = {"type": "CODECOMMIT", "location": url, "buildspec": spec}
    project = lab.project("", pull, source=source)
    assert lab.output(lab.run(project))[0] == "2"
    build = lab.run(project, sourceVersion=first)
    assert lab.output(build) == ["1", first, first]
    assert build["resolvedSourceVersion"] == first


def test_a_codecommit_source_without_git_pull(lab, failure):
    lab.client("codecommit").create_repository(repositoryName="code")
    url = "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/code"
    project = lab.project("", source={"type": "CODECOMMIT", "location": url})
    phase, _, message = failure(lab.run(project))
    assert phase == "DOWNLOAD_SOURCE"
    assert "codecommit:GitPull" in message


def test_a_build_pushes_to_codecommit_under_awss_own_url(lab):
    lab.client("codecommit").create_repository(repositoryName="code")
    git = {
        "Effect": "Allow",
        "Action": ["codecommit:GitPull", "codecommit:GitPush"],
        "Resource": "arn:aws:codecommit:eu-west-1:111111111111:code",
    }
    spec = """
version: 0.2
env: {git-credential-helper: yes}
phases:
  build:
    commands:
      - git clone https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/code work
      - cd work && git checkout -b main
      - echo seeded >file && git add file
      - git -c user.name=seed -c user.email=seed@example.com commit -qm seeded
      - git push origin main
"""
    build = lab.run(lab.project(spec, git))
    assert build["buildStatus"] == "SUCCEEDED", lab.log(build)
    found = lab.client("codecommit").get_file(repositoryName="code", filePath="file")
    assert found["fileContent"] == b"seeded\n"


def test_git_without_the_credential_helper_is_refused_as_in_aws(lab):
    made = lab.client("codecommit").create_repository(repositoryName="code")
    url = made["repositoryMetadata"]["cloneUrlHttp"]
    everything = {"Effect": "Allow", "Action": "codecommit:*", "Resource": "*"}
    spec = f"version: 0.2\nphases: {{build: {{commands: [git clone {url} work]}}}}"
    build = lab.run(lab.project(spec, everything))
    assert build["buildStatus"] == "FAILED"
    assert "could not read Username" in lab.log(build)


def test_artifacts_go_to_s3_as_an_archive_or_as_files(lab, seeds):
    spec = """
version: 0.2
phases: {build: {commands: [mkdir -p out/sub, echo 1 >out/a, echo 2 >out/sub/b, echo 3 >out/c.tmp]}}
artifacts:
  base-directory: out
  files: ['**/*']
  exclude-paths: ['**/*.tmp']
"""
    target = {"type": "S3", "location": "seeds", "path": "built", "name": "x.zip"}
    build = lab.run(lab.project(spec, BUCKET, artifacts={**target, "packaging": "ZIP"}))
    assert build["artifacts"]["location"] == "arn:aws:s3:::seeds/built/x.zip"
    body = seeds.get_object(Bucket="seeds", Key="built/x.zip")["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(body)).namelist() == ["a", "sub/b"]

    files = {**target, "namespaceType": "BUILD_ID", "name": "files"}
    build = lab.run("lab", artifactsOverride=files)
    prefix = f"built/{build['id'].split(':')[1]}/files"
    listed = seeds.list_objects_v2(Bucket="seeds", Prefix=prefix)["Contents"]
    assert [item["Key"] for item in listed] == [f"{prefix}/a", f"{prefix}/sub/b"]


def test_artifacts_that_do_not_exist_fail_the_upload(lab, seeds, failure):
    spec = "version: 0.2\nphases: {build: {}}\nartifacts: {files: [nope]}"
    project = lab.project(spec, BUCKET, artifacts={"type": "S3", "location": "seeds"})
    assert failure(lab.run(project)) == (
        "UPLOAD_ARTIFACTS",
        "CLIENT_ERROR",
        "no matching artifact paths found: nope",
    )
