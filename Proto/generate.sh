#!/bin/sh
# Writes the C of Sources/CPromptWire and the Python of Sources/Python from impromptu.proto.
#
#   Proto/generate.sh            writes the files
#   Proto/generate.sh --verify   fails when the files that are checked in differ from what would be written
#
# Needs protoc and protoc-c (Debian: protobuf-compiler, protobuf-c-compiler).
set -eu
export LC_ALL=C

proto=$(cd "$(dirname "$0")" && pwd)
target=$proto/../Sources/CPromptWire
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

for tool in protoc protoc-c xxd; do
    if ! command -v "$tool" >/dev/null; then
        echo "generate.sh: needs '$tool'; Deploy/setup installs it (protobuf-compiler, protobuf-c-compiler, xxd)" >&2
        exit 2
    fi
done

# protobuf-c hands a `string` over as a C string, which ends at the first NUL, so that the rest would be lost unseen.
# `string` and `bytes` are the same on the wire, so its input says `bytes`, and the codec checks the text itself.
mkdir "$made/c" "$made/include"
sed -E 's/^( +(repeated )?)string /\1bytes /' "$proto/impromptu.proto" >"$made/c/impromptu.proto"
(cd "$made/c" && protoc-c --proto_path=. --c_out="$made" impromptu.proto)
mv "$made/impromptu.pb-c.h" "$made/include/"

# The log embeds the schema as others read it, with `string`.
(cd "$proto" && protoc --proto_path=. --include_imports --descriptor_set_out="$made/schema.bin" impromptu.proto)
{
    echo '/* Generated from Proto/impromptu.proto by Proto/generate.sh. Do not edit. */'
    echo '#include "CPromptWire.h"'
    echo
    echo 'static const uint8_t schema[] = {'
    xxd -i <"$made/schema.bin"
    echo '};'
    echo
    echo 'const uint8_t *impromptu_schema(size_t *size) {'
    echo '    *size = sizeof schema;'
    echo '    return schema;'
    echo '}'
} >"$made/schema.c"

python=$proto/../Sources/Python/impromptu/wire
mkdir "$made/python"
(cd "$proto" && protoc --proto_path=. --python_out="$made/python" --pyi_out="$made/python" impromptu.proto)
modules="impromptu_pb2.py impromptu_pb2.pyi"

files="impromptu.pb-c.c include/impromptu.pb-c.h schema.c"
if [ "${1:-}" = --verify ]; then
    for file in $files; do
        if ! cmp -s "$made/$file" "$target/$file"; then
            echo "generate.sh: Sources/CPromptWire/$file differs from what Proto/impromptu.proto gives;" \
                "run Proto/generate.sh and commit the result" >&2
            exit 1
        fi
    done
    for module in $modules; do
        if ! cmp -s "$made/python/$module" "$python/$module"; then
            echo "generate.sh: Sources/Python/impromptu/wire/$module differs from what Proto/impromptu.proto gives;" \
                "run Proto/generate.sh and commit the result" >&2
            exit 1
        fi
    done
    echo "generate.sh: Sources/CPromptWire and Sources/Python are what Proto/impromptu.proto gives"
else
    for file in $files; do
        cp "$made/$file" "$target/$file"
    done
    for module in $modules; do
        cp "$made/python/$module" "$python/$module"
    done
fi
