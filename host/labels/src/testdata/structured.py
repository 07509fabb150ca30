"""Writes `structured.json`: answers that Encord's package for agents takes, and what it makes of them.

Run with encord 0.1.211, encord-agents 0.2.10 and pydantic 2.10.6 (with pydantic 2.14 `OntologyDataModel`
raises for every ontology with a radio):

    python structured.py > structured.json

For each list of features there are answers that walk its JSON Schema at random, from a fixed seed.
"""

import json
import random

from encord.objects.ontology_structure import OntologyStructure
from encord_agents.core.ontology import OntologyDataModel


class Editor:
    """Numbers ids, so that an ontology can be written as one expression."""

    def __init__(self):
        self.count = 0

    def attribute(self, feature_hash, name, kind, options=(), **more):
        self.count += 1
        attribute = {"id": f"1.{self.count}", "name": name, "type": kind, "featureNodeHash": feature_hash,
                     "required": False, **more}
        if kind in ("radio", "checklist"):
            attribute["options"] = list(options)
        return attribute

    def option(self, feature_hash, label, value, *behind):
        self.count += 1
        return {"id": f"1.{self.count}", "label": label, "value": value, "featureNodeHash": feature_hash,
                **({"options": list(behind)} if behind else {})}

    def object(self, feature_hash, name, shape, *attributes):
        self.count += 1
        return {"id": str(self.count), "name": name, "color": "#D33115", "shape": shape,
                "featureNodeHash": feature_hash, "attributes": list(attributes)}

    def classification(self, feature_hash, attribute, **more):
        self.count += 1
        return {"id": str(self.count), "featureNodeHash": feature_hash, "attributes": [attribute], **more}


def editor():
    e = Editor()
    depth = e.attribute("attDepth", "Depth / cm?", "radio", [
        e.option("optDeep1", "Deep", "deep", e.attribute("attDeep1", "Since when", "text")),
        e.option("optThin1", "Thin (< 1)", "thin"),
    ])
    sky = e.attribute("attSky01", "What's the Sky_like?", "radio", [
        e.option("optRain1", "Rain", "rain",
                 e.attribute("attRain1", "Comment", "text"),
                 e.attribute("attRain2", "Wet Things", "checklist", [
                     e.option("optRoad1", "Road", "Road surface"),
                     e.option("optHous1", "House", "house-wall"),
                 ])),
        e.option("optSnow1", "Snow", "snow", depth),
        e.option("optNone1", "Neither: nor", "neither"),
    ])
    unicode = e.attribute("attUni01", "Größe ÉTÉ 天気", "radio", [
        e.option("optUni01", "Très grand", "très_grand"),
        e.option("optUni02", "小さい", "小さい"),
    ])
    marks = e.attribute("attHin01", "हिन्दी का मौसम น้ำ", "checklist", [
        e.option("optHin01", "अच्छा", "अच्छा है"),
        e.option("optHin02", "Ⅷ²①Ⓐ℮", "Ⅷ²①Ⓐ℮"),
    ])
    return {
        "classifications": [
            e.classification("clsSky01", sky),
            e.classification("clsUni01", unicode),
            e.classification("clsHin01", marks),
            e.classification("clsTxt01", e.attribute("attTxt01", " Caption, please ", "text"), level="global"),
        ],
        "objects": [
            e.object("objPlain", "Plain box", "bounding_box"),
            e.object("objMask1", "Mask: rough", "bitmask"),
            e.object("objCar01", "Car", "polygon",
                     e.attribute("attCar01", "Colour", "radio", [
                         e.option("optRed01", "Red", "red", e.attribute("attRed01", "Shade", "text")),
                         e.option("optBlu01", "Blue", "blue"),
                     ]),
                     e.attribute("attCar02", "Damage", "checklist", [
                         e.option("optDam01", "Door", "door"),
                         e.option("optDam02", "Wheel", "wheel"),
                     ])),
        ],
    }


def walk(schema, root, chance):
    if "$ref" in schema:
        return walk(root["$defs"][schema["$ref"].rsplit("/")[-1]], root, chance)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return chance.choice(schema["enum"])
    if "oneOf" in schema:
        return walk(chance.choice(schema["oneOf"]), root, chance)
    if schema["type"] == "boolean":
        return chance.random() < 0.5
    if schema["type"] == "string":
        return chance.choice(["", "a few words", "mehr, \"mit\" ✓"])
    # What is not required is there every other time: the peer does not require a title.
    required = schema.get("required", [])
    return {key: walk(value, root, chance) for key, value in schema["properties"].items()
            if key in required or chance.random() < 0.5}


def answers_of(instance):
    answers = {}
    if hasattr(instance, "_get_all_static_answers"):
        static = instance._get_all_static_answers()
    else:
        static = instance.get_all_static_answers()
    for answer in static:
        if answer.is_answered():
            entry = answer.to_encord_dict()
            given = entry["answers"]
            if isinstance(given, list):
                given = [option["featureHash"] for option in given]
            answers[entry["featureHash"]] = given
    return {"feature": instance.feature_hash, "answers": answers}


def main():
    structure = editor()
    ontology = OntologyStructure.from_dict(structure)
    by_hash = {feature.feature_node_hash: feature for feature in ontology.classifications + ontology.objects}
    chance = random.Random(4)
    cases = []
    for features, count in [
        (["clsSky01", "clsUni01", "clsHin01", "clsTxt01"], 12),
        (["clsTxt01", "clsSky01"], 4),
        (["objPlain", "objMask1"], 3),
        (["objPlain", "objCar01", "objMask1"], 10),
    ]:
        model = OntologyDataModel([by_hash[feature] for feature in features])
        for _ in range(count):
            answer = walk(model.model_json_schema, model.model_json_schema, chance)
            instances = model(json.dumps(answer))
            if not isinstance(instances, list):
                instances = [instances]
            cases.append({"features": features, "answer": answer,
                          "instances": [answers_of(instance) for instance in instances]})
    print(json.dumps({"editor": structure, "cases": cases}, ensure_ascii=False, indent=1))


main()
