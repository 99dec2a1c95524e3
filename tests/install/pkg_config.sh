#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# usage: pkg_config.sh COMPILER PREFIX PROGRAM
# Builds the consumer with what pkg-config says about the install in PREFIX alone, and runs it.
set -euo pipefail

compiler=$1 prefix=$2 program=$3
source=$(dirname -- "$0")/consumer/main.cpp
libdir=$(dirname -- "$(find "$prefix" -name pkgconfig -type d)")
export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir

modules=(withal withal-resources withal-trace)
if pkg-config --exists withal-sqlite; then
    modules+=(withal-sqlite)
    set -- -DCONSUMER_HAS_SQLITE
else
    set --
fi

read -ra flags < <(pkg-config --cflags --libs "${modules[@]}")
"$compiler" -std=c++20 "$@" "$source" -o "$program" "${flags[@]}"
"$program"
