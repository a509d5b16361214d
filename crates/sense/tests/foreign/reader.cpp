// Reads metadata with what flatc generates for C++, verifier included, and prints an object a line:
// class left top right bottom score. Usage: reader <FILE
#include <cstdio>
#include <iterator>
#include <iostream>
#include <vector>

#include "objectdetection_generated.h"

int main() {
    std::vector<char> bytes((std::istreambuf_iterator<char>(std::cin)), {});
    flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
    if (!SmartCamera::VerifyObjectDetectionTopBuffer(verifier)) {
        std::fputs("the verifier refuses it\n", stderr);
        return 1;
    }
    auto top = SmartCamera::GetObjectDetectionTop(bytes.data());
    for (auto object : *top->perception()->object_detection_list()) {
        auto box = object->bounding_box_as_BoundingBox2d();
        std::printf("%u %d %d %d %d %.9g\n", object->class_id(), box->left(), box->top(), box->right(), box->bottom(),
                    object->score());
    }
}
