"""Champion step: fetch the model package that counts, as the registry has it at this moment."""

import argparse
import json
from pathlib import Path

import boto3

from .. import champion, registry


def main(arguments: list[str] | None = None) -> None:
    """Find `--which` in `--group`; write its model archive and statistics into `--output`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--group", required=True)
    parser.add_argument("--which", required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    package = registry.find(boto3.client("sagemaker"), group=options.group, which=options.which)
    found = {"package": package and package["ModelPackageArn"]}
    if package:
        s3 = boto3.client("s3")
        registry.download(s3, registry.model_uri(package), options.output / "model.tar.gz")
        uri = registry.statistics_uri(package)
        if uri:
            registry.download(s3, uri, options.output / "statistics.json")
        print(f"found {package['ModelPackageArn']} ({package['ModelApprovalStatus']})")
    else:
        print(f"{options.group}: no model package is {options.which}")
    (options.output / champion.FILE).write_text(json.dumps(found) + "\n", encoding="utf-8")
